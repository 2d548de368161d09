"""Which exit code says what.

    0   done                                20  the store failed
    1   done, with findings                 21  damage: bytes are not what was written
    2   wrong usage, or a wrong config      22  refused: it could be done, but it may not
    3   done, but it could not be verified  23  the source cannot be read
    10  no vault there                      24  the target cannot be written
    11  the vault is locked                 25  the store is full
    12  wrong password                      26  the store does not let us
    13  no such snapshot                    27  the store does not answer (trying again may help)
    14  there is a vault already            28  an object is missing
    15  the vault cannot be used            29  an object exists already
    30  the catalog cannot be used          32  the lease was lost
    31  the catalog does not answer         34  it was done already
    33  it is running already               70  a defect of ours
    35  a channel takes no messages         130, 143  stopped by SIGINT, SIGTERM
    36  the source does not answer          37  objects must be thawed first
                                            200  'wal fetch': a recovery must stop, whatever it was

10, 11 and 12 are as restic has them.
"""

from __future__ import annotations

from covenant.kernel import errors

DONE = 0
FINDINGS = 1
USAGE = 2
UNVERIFIED = 3
DEFECT = 70
PIPE_CLOSED = 141

INTERRUPTED = 130
TERMINATED = 143

CODES: dict[type[errors.CovenantError], int] = {
    errors.CovenantError: DEFECT,
    errors.UsageError: USAGE,
    errors.ConfigError: USAGE,
    errors.Refusal: 22,
    errors.LeaseLost: 32,
    errors.AlreadyRunning: 33,
    errors.AlreadyDone: 34,
    errors.VaultError: 15,
    errors.VaultMissing: 10,
    errors.VaultExists: 14,
    errors.VaultLocked: 11,
    errors.WrongPassword: 12,
    errors.SnapshotMissing: 13,
    errors.StoreError: 20,
    errors.ObjectMissing: 28,
    errors.ObjectExists: 29,
    errors.StoreFull: 25,
    errors.StoreDenied: 26,
    errors.StoreUnavailable: 27,
    errors.ObjectArchived: 37,
    errors.CatalogError: 30,
    errors.CatalogUnavailable: 31,
    errors.DamageError: 21,
    errors.SourceError: 23,
    errors.SourceUnavailable: 36,
    errors.TargetError: 24,
    errors.ChannelError: 35,
    errors.Interrupted: INTERRUPTED,
}

LOG_ENDS = -1
"""What ``wal fetch`` comes to where the log ends before the file that was asked for; a server is told 1."""
STOP_RECOVERY = 200


def for_recovery(code: int) -> int:
    """What a recovering server is told: done, the end of the log, or that it must stop.

    It takes 1 to 125 for the end of the log, and opens for work. (PostgreSQL manual, ``restore_command``)
    """
    if code in (DONE, FINDINGS):
        return DONE
    if code == LOG_ENDS:
        return 1
    return code if code > 125 else STOP_RECOVERY


def code_of(error: errors.CovenantError) -> int:
    """The exit code of an error: that of its class, or of the nearest class above that has one."""
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)
