"""Those who follow pages in the place of people notice when a page is wrong."""

from __future__ import annotations

import pytest

from tests.docs.pages import Reader, Typed, Written, steps


def page(*blocks: str) -> str:
    """A page of console blocks."""
    return "\n".join(f"Words.\n\n```console\n{block}\n```\n" for block in blocks)


def test_a_page_is_taken_apart() -> None:
    """Commands have their continuation and their output; named blocks are files; other blocks are prose."""
    text = "```toml a.toml\nx = 1\n```\n\n```sh\nrm -rf /\n```\n\n```console\n$ cat <<E\n> in\n> E\nin\n$ true\n```\n"

    found = list(steps(text))

    assert [Written("a.toml", "x = 1\n"), Typed("cat <<E\nin\nE", ("in",)), Typed("true", ())] == found


def test_one_shell_follows_a_page(reader: Reader) -> None:
    """Folders, variables and exit codes carry over from one block to the next."""
    blocks = ("$ mkdir a && cd a\n$ export X=1", "$ pwd\n/home/you/a\n$ echo $X\n1", "$ false\n$ echo $?\n1")

    assert 6 == reader.follow(page(*blocks))


def test_paths_lie_below_the_scratch_folder(reader: Reader) -> None:
    """What a page does to /srv is done to a folder of the test."""
    reader.follow(page("$ echo kept > /srv/file\n$ cat /srv/file\nkept"))

    assert "kept\n" == (reader.root / "srv" / "file").read_text()


def test_an_id_of_the_page_is_the_real_one_from_then_on(reader: Reader) -> None:
    """A command that names an id is typed with the id that was printed here."""
    shown = "$ echo snapshot 0a1b2c3d\nsnapshot 77777777"

    assert 2 == reader.follow(page(shown, "$ echo of 77777777\nof 77777777"))
    assert {"77777777": "0a1b2c3d"} == reader.ids


@pytest.mark.parametrize(
    "wrong",
    [
        "$ false",
        "$ echo one\ntwo",
        "$ echo one\none\ntwo",
        "$ printf '1\\n2\\n3\\n'\n1\n…\n4",
        "$ echo 0a1b2c3d 1a1b2c3d\n77777777 77777777",
        "$ no-such-command",
        "$ exit 0",
    ],
)
def test_a_wrong_page_is_noticed(reader: Reader, wrong: str) -> None:
    """A page that shows what does not happen fails its test."""
    with pytest.raises(AssertionError):
        reader.follow(page(wrong))


def test_what_differs_from_run_to_run_may_differ(reader: Reader) -> None:
    """Sizes, durations and moments are not compared, and lines may be left out."""
    done = "$ printf 'took 0.3 s, 17.2 MiB at 2026-01-01 10:00:00\\nx\\ny\\nend\\n'"

    assert 1 == reader.follow(page(f"{done}\ntook 1.0 s, 3 B at 2025-05-05 05:05:05\n…\nend"))
