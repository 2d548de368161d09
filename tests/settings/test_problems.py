"""What cannot be followed in a ``covenant.toml`` is told all at once: where, what, and what to do."""

from pathlib import Path

import pytest

from covenant.kernel.findings import Finding
from covenant.settings.file import load
from covenant.settings.problems import InvalidConfig
from tests.settings.documents import FULL, MINIMAL, written


def problems_of(folder: Path, text: str) -> tuple[Finding, ...]:
    """Everything that is wrong with a document."""
    with pytest.raises(InvalidConfig) as refused:
        load(written(folder, text))
    return refused.value.problems


@pytest.mark.parametrize(
    ("line", "subject", "message", "hint"),
    [
        ('exlude = ["x"]', "covenant.toml:5: sources.media.exlude", "no such key", "Did you mean 'exclude'?"),
        (
            "retention = { keep_dayly = 7 }",
            "covenant.toml:5: sources.media.retention.keep_dayly",
            "no such key",
            "Did you mean 'keep_daily'?",
        ),
        (
            'retention = { keep_within = "7x" }',
            "covenant.toml:5: sources.media.retention.keep_within",
            "'x' in '7x' is no unit here; known are y, m, d, h",
            "Write a stretch of the calendar: '7d', '12m' (months) or '1y5m7d2h'.",
        ),
        (
            'one_file_system = "yes"',
            "covenant.toml:5: sources.media.one_file_system",
            "input should be a valid boolean",
            "Do not cross into other file systems.",
        ),
        (
            'paths = ["more"]',
            "covenant.toml:1: sources.media",
            "either path or paths is needed",
            'Write paths = ["./media"].',
        ),
        ("retention = 7", "covenant.toml:5: sources.media.retention", "this is not a table", ""),
        ('vault = "offsite"', "covenant.toml:5: sources.media.vault", "there is no vault 'offsite'", "default"),
        ("[souces.x]", "covenant.toml:5: souces", "no such section", "Did you mean 'sources'?"),
        ("[limits]\nworkers = 0", "covenant.toml:6: limits.workers", "greater than or equal to 1", "Processes"),
        ('[limits]\npack_size = "1G"', "covenant.toml:6: limits.pack_size", "not between 4MiB and 128MiB", "'4MiB'"),
        ("[limits]\npack_size = 16", "covenant.toml:6: limits.pack_size", "16 is not text", "'4MiB'"),
        ('[limits]\ncompression = "best"', "covenant.toml:6: limits.compression", "neither off, auto, max", "'auto'"),
        ("[limits]\ncompression = true", "covenant.toml:6: limits.compression", "true is not text", "'auto'"),
        ('[classes.gold]\nrpo = "1h"', "covenant.toml:5: classes.gold.rto", "the key is missing", "rto = '4h'"),
        ('[classes.critical]\nrpo = "soon"', "covenant.toml:6: classes.critical.rpo", "not a duration", "'15m'"),
        ('["sources"."a b"]\nkind = "config"', "covenant.toml:5: sources.a b", "this is no name", "letters"),
        (
            '[classes.critical.schedule]\nlog = "hourly"',
            "covenant.toml:6: classes.critical.schedule.log",
            "neither",
            "cron",
        ),
        (
            '[classes.critical.schedule]\nlog = "0 25 * * *"',
            "covenant.toml:6: classes.critical.schedule.log",
            "bad hour",
            "",
        ),
        (
            'schedule = { blackouts = ["8-9"] }',
            "covenant.toml:5: sources.media.schedule.blackouts[0]",
            "no blackout",
            "'22:00-02:00'",
        ),
        ('schedule = { zone = "Mars" }', "covenant.toml:5: sources.media.schedule.zone", "no time zone 'Mars'", "UTC"),
        ('tier = "gold"', "covenant.toml:5: sources.media.tier", "there is no tier 'gold'", "There is none."),
        ("[vault.regions.a]\nulr = 3", "covenant.toml:5: vault.regions.a.url", "the key is missing", "A folder"),
        ("[dunning]\ngrase = 3", "covenant.toml:5: dunning.grace", "the key is missing", "How long nothing changes"),
        ('[limits]\nbandwidth = "20MiB"', "covenant.toml:6: limits.bandwidth", "not a bandwidth", "'20MiB/s'"),
        ('[catalog]\nurl = "postgresql://x"', "covenant.toml:6: catalog.url", "a secret may not stand", "env"),
        ('[metrics]\nlisten = "x:99999"', "covenant.toml:6: metrics.listen", "no port 99999", "65535"),
        ('[vault]\nurl = "ftp://x"', "covenant.toml:6: vault.url", "no kind of store", "s3:"),
        ('[vault]\nurl = "s3://me:pw@host/b"', "covenant.toml:6: vault.url", "holds credentials", "options"),
    ],
)
def test_a_problem_says_where_what_and_what_to_do(
    tmp_path: Path, line: str, subject: str, message: str, hint: str
) -> None:
    """A line too many in a good document is named with its number, its keys and a way out."""
    problem = problems_of(tmp_path, MINIMAL + line + "\n")[0]

    assert subject == problem.subject
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("kind", "message", "hint"),
    [
        ('"file"', "there is no kind 'file'", "Did you mean 'files'?"),
        ("7", "the key is missing", "kind is one of 'files', 'sqlite', 'postgres'"),
    ],
)
def test_a_kind_that_is_not_there_is_told(tmp_path: Path, kind: str, message: str, hint: str) -> None:
    """A kind that was misspelt is told with the nearest, and one that is no word with all."""
    (problem,) = problems_of(tmp_path, f'[sources.x]\nkind = {kind}\nclass = "critical"\n')

    assert "covenant.toml:2: sources.x.kind" == problem.subject
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize("key", ["class", "path"])
def test_a_key_that_is_missing_is_told_at_its_table(tmp_path: Path, key: str) -> None:
    """What is not there has no line, so its table's is given."""
    text = '[sources.x]\nkind = "sqlite"\npath = "x.db"\nclass = "critical"\n'
    without = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(key))

    (problem,) = problems_of(tmp_path, without)

    assert (f"covenant.toml:1: sources.x.{key}", "the key is missing") == (problem.subject, problem.message)


@pytest.mark.parametrize(
    "line",
    [
        'password = "hunter2"',
        "password = 4711",
        'options = { secret_access_key = "hunter2" }',
        'options = { session_token = "hunter2" }',
        'options = { account_key = "hunter2" }',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path, line: str) -> None:
    """An inline secret is refused with the ways to refer to one, and does not reach the message."""
    (problem,) = problems_of(tmp_path, f'[vault]\nurl = "s3://b"\n{line}\n')

    assert "a secret may not stand in this file" == problem.message
    assert '{ file = "vault.key" }' in problem.hint
    assert "hunter2" not in repr(problem)
    assert "4711" not in repr(problem)


@pytest.mark.parametrize("secret", ["{}", '{ file = "a", env = "B" }'])
def test_a_secret_is_in_exactly_one_place(tmp_path: Path, secret: str) -> None:
    """No place and two places are both refused."""
    (problem,) = problems_of(tmp_path, f'[vault]\nurl = "v"\npassword = {secret}\n')

    assert ("covenant.toml:3: vault.password", "a secret is in exactly one place") == (problem.subject, problem.message)


def test_an_option_is_no_list(tmp_path: Path) -> None:
    """A store's option is one value."""
    (problem,) = problems_of(tmp_path, '[vault]\nurl = "s3://b"\noptions = { region = ["a"] }\n')

    assert "covenant.toml:3: vault.options.region" == problem.subject


def test_a_class_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    """A misspelt class names the one that was meant."""
    (problem,) = problems_of(tmp_path, MINIMAL.replace("operational", "operatonal"))

    assert "there is no class 'operatonal'" == problem.message
    assert "Did you mean 'operational'?" == problem.hint


def test_the_default_vault_stands_in_one_place(tmp_path: Path) -> None:
    """``[vault]`` and ``[vaults.default]`` would be two vaults of one name."""
    (problem,) = problems_of(tmp_path, '[vault]\nurl = "a"\n[vaults.default]\nurl = "b"\n')

    assert ("covenant.toml:3: vaults.default", "this vault is [vault] already") == (problem.subject, problem.message)


def test_a_source_without_a_vault_among_others_is_told(tmp_path: Path) -> None:
    """Where the file names vaults and none is the default, each source says which."""
    (problem,) = problems_of(tmp_path, '[vaults.offsite]\nurl = "x"\n' + MINIMAL)

    assert "there is no vault 'default'" == problem.message
    assert "Known are: offsite." == problem.hint


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """One mistake does not hide the others, nor cause more of them."""
    text = FULL.replace("url = ", "ulr = ").replace('rpo = "5m"', 'rpo = "5q"').replace('class = "important"', "")

    problems = problems_of(tmp_path, text)

    subjects = [problem.subject for problem in problems]
    assert [
        "covenant.toml:3: vault.ulr",
        "covenant.toml:7: vaults.offsite.ulr",
        "covenant.toml:12: classes.critical.rpo",
        "covenant.toml:19: sources.media.class",
    ] == subjects


def test_a_problem_in_a_table_does_not_hide_a_wrong_name_in_it(tmp_path: Path) -> None:
    """Names that lead nowhere are told even where the same table has another problem."""
    text = MINIMAL.replace("operational", "operatonal") + 'vault = "offsite"\nexlude = []\n'

    problems = problems_of(tmp_path, text)

    subjects = [problem.subject for problem in problems]
    assert [
        "covenant.toml:4: sources.media.class",
        "covenant.toml:5: sources.media.vault",
        "covenant.toml:6: sources.media.exlude",
    ] == subjects


def test_the_error_alone_tells_everything(tmp_path: Path) -> None:
    """Who prints the message and the hint, and nothing else, has shown every problem."""
    with pytest.raises(InvalidConfig) as refused:
        load(written(tmp_path, MINIMAL + "exlude = []\ntag = []\n"))

    assert "cannot be followed in 2 places" in refused.value.message
    assert "covenant.toml:5: sources.media.exlude: no such key\n    Did you mean 'exclude'?" in refused.value.message
    assert "covenant.toml:6: sources.media.tag: no such key\n    Did you mean 'tags'?" in refused.value.message


@pytest.mark.parametrize("text", ["sources = 3", "vaults = 3", "classes = []", "limits = 3", "vault = 3"])
def test_a_section_that_is_no_table_is_told(tmp_path: Path, text: str) -> None:
    """A value where a table belongs is a problem, not a crash."""
    (problem,) = problems_of(tmp_path, text + "\n")

    assert "this is not a table" == problem.message
