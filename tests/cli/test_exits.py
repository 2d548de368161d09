"""Every class of error has an exit code, and the help knows it."""

from __future__ import annotations

import inspect

import pytest

from covenant.cli import exits
from covenant.cli.command import EXITS
from covenant.kernel import errors
from covenant.kernel.errors import ConfigError, CovenantError, StoreError, VaultLocked, VaultMissing, WrongPassword

CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, CovenantError)]


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_every_error_has_an_exit_code(error: type[CovenantError]) -> None:
    """No class of the hierarchy is left to the class above it."""
    assert error in exits.CODES


def test_no_two_errors_share_a_code_unless_one_is_the_other() -> None:
    """A script can tell from the code what stopped us."""
    by_code: dict[int, set[type[CovenantError]]] = {}
    for error, code in exits.CODES.items():
        by_code.setdefault(code, set()).add(error)

    shared = [classes for classes in by_code.values() if len(classes) > 1]

    assert [{errors.UsageError, ConfigError}] == shared


def test_the_codes_that_scripts_know_are_those_of_restic() -> None:
    """No vault, locked and wrong password are 10, 11 and 12."""
    assert [10, 11, 12] == [exits.CODES[error] for error in (VaultMissing, VaultLocked, WrongPassword)]


def test_a_class_that_came_later_has_the_code_of_the_nearest_above() -> None:
    """An error class of an adapter's own is mapped by what it is a kind of."""

    class Unheard(StoreError):
        """A kind of store error that the table does not know."""

    assert exits.CODES[StoreError] == exits.code_of(Unheard("x"))


def test_the_help_explains_every_code() -> None:
    """Each code that an error of ours ends with stands in the help texts."""
    assert set(exits.CODES.values()) - {exits.DEFECT} <= set(EXITS)
