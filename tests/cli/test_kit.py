"""The recovery kit as people meet it: made, printed, tried, used where nothing else is left, and taken back."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import zxingcpp

from covenant.bootstrap import OpenVault, opener
from covenant.bootstrap.kits import Described, Order, make
from covenant.prove.kit.kit import read_kits
from covenant.prove.kit.text import kit_text
from covenant.settings.secrets import SecretEnv, SecretRef
from covenant.vault.lock import Owner
from covenant.vault.vault import create_vault
from tests.cli.running import Ran, here
from tests.oracle.program import Restic
from tests.replicate.worlds import regional
from tests.vaults import CHEAP, CLOCK, PASSWORD, a_store

TOML = """\
[vault]
password = { file = "password" }

[vault.regions.home]
url = "a"

[vault.regions.attic]
url = "b"

[sources.photos]
kind = "files"
path = "photos"
class = "important"
copies = 2

[readiness]
contacts = ["Ada Łoś, +44 1632 960001", "Grace, +1 202 555 0100"]
vendors = ["Hosting: support@example.net"]
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Two regions with a backup in them."""

    home: Path

    def run(self, *words: object) -> Ran:
        """Run a command with the covenant.toml."""
        variables = {"COVENANT_STATE_DIR": str(self.home / "state")}
        return here("-c", self.home / "covenant.toml", "--no-cache", *words, variables=variables)

    def kit(self, *words: object) -> list[Path]:
        """The text files of a new kit."""
        ran = self.run("kit", "create", "-o", self.home / "kits", "--json", *words)
        assert 0 == ran.code, ran.err
        return [Path(name) for name in ran.document["files"] if name.endswith(".txt")]


def elsewhere(*words: object) -> Ran:
    """Run a command on a machine that knows nothing of it all."""
    return here("--no-cache", *words)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A vault in two regions, with one backup."""
    home = tmp_path_factory.mktemp("place")
    create_vault(regional(*(a_store(home / name) for name in ("a", "b"))), PASSWORD, CHEAP, CLOCK)
    (home / "password").write_text(PASSWORD)
    (home / "password").chmod(0o600)
    (home / "covenant.toml").write_text(TOML)
    (home / "photos").mkdir()
    (home / "photos" / "cover.jpg").write_bytes(b"cover" * 1000)
    place = Place(home)
    assert 0 == place.run("backup", "photos").code
    return place


@pytest.fixture
def another(place: Place, tmp_path: Path) -> Place:
    """A copy of it, for kits that no other test shall meet."""
    shutil.copytree(place.home, tmp_path / "place")
    return Place(tmp_path / "place")


@pytest.fixture(scope="module")
def whole(place: Place) -> Path:
    """A kit in one piece."""
    (path,) = place.kit()
    return path


@pytest.fixture(scope="module")
def shares(place: Place) -> list[Path]:
    """A kit that any two of three people are."""
    return place.kit("--split", "2-of-3")


def test_a_kit_opens_every_region(whole: Path) -> None:
    """A machine that has nothing but the kit opens the vault in each place that the kit names."""
    ran = elsewhere("kit", "verify", whole, "--json")

    answers: list[dict[str, Any]] = ran.document["answers"]
    assert (0, ["passed", "passed"]) == (ran.code, [answer["result"] for answer in answers])


def test_any_two_people_are_the_kit(shares: list[Path]) -> None:
    """Whichever two of the three come, they have one and the same password, and it opens every region."""
    passwords = {elsewhere("kit", "password", *pair).out for pair in combinations(shares, 2)}

    assert 1 == len(passwords)
    assert 0 == elsewhere("kit", "verify", shares[2], shares[0]).code


def test_one_person_alone_opens_nothing(shares: list[Path]) -> None:
    """One share is told to be as it was printed, and refused; the password is not told."""
    ran, told = elsewhere("kit", "verify", shares[0]), elsewhere("kit", "password", shares[0])

    assert (22, 22) == (ran.code, told.code)
    assert "share 1 of kit" in ran.out
    assert "1 of the 2 shares" in ran.err
    assert "" == told.out


def test_everything_comes_back_from_two_shares(place: Place, shares: list[Path], tmp_path: Path) -> None:
    """On an empty machine any two shares bring everything back, byte for byte."""
    kits = [word for share in shares[1:] for word in ("--kit", share)]

    ran = elsewhere("recover", "--bare", *kits, "--target", tmp_path / "back")

    restored = list((tmp_path / "back").rglob("cover.jpg"))
    assert 0 == ran.code, ran.err
    assert [b"cover" * 1000] == [path.read_bytes() for path in restored]


def test_the_password_of_a_kit_opens_the_vault_for_restic(place: Place, shares: list[Path]) -> None:
    """The stock restic reads the vault with what two shares give together."""
    password = elsewhere("kit", "password", shares[0], shares[2]).out.strip()

    listed = Restic(place.home / "b", password).run("snapshots")

    assert "photos" in listed


def test_the_program_on_the_paper_gives_the_password(shares: list[Path]) -> None:
    """What is printed on a share, typed as it stands, puts the codes together with Python alone."""
    lines = shares[0].read_text().splitlines()
    first = lines.index("    import base64")
    program = "\n".join(line[4:] for line in lines[first : lines.index("", first)])
    codes = [next(line.split()[1] for line in share.read_text().splitlines() if "Code:" in line) for share in shares]

    told = [
        subprocess.run(
            [sys.executable, "-c", program], input=" ".join(pair), check=True, capture_output=True, text=True
        )
        for pair in (codes[:2], [codes[2].lower(), codes[0].replace("O", "0")])
    ]

    password = read_kits(shares[:2]).password
    assert [password] * 2 == [each.stdout.rsplit(" ", 1)[-1].strip() for each in told]


def test_what_is_printed_can_be_read(whole: Path, shares: list[Path]) -> None:
    """The paper holds the code, the places, the commands and the people, on few pages."""
    for path in (whole, *shares):
        pdf = pypdfium2.PdfDocument(path.with_suffix(".pdf"))
        text = "\n".join(page.get_textpage().get_text_range() for page in pdf)

        code = next(line.split()[1] for line in path.read_text().splitlines() if "Code:" in line)
        assert len(pdf) <= 4
        assert code in text.replace("\ufffe", "-")
        assert "covenant recover --bare" in text
        assert "+44 1632 960001" in text
        assert str(path.parent.parent / "b") in text.replace("\n", "").replace("\r", "")


def test_a_camera_reads_the_kit(whole: Path, shares: list[Path], tmp_path: Path) -> None:
    """One QR code on the paper is the code that is typed else; the other, saved as text, is the kit's file."""
    photographed = []
    for path in (whole, shares[0], shares[2]):
        pages = [page.render(scale=2).to_pil() for page in pypdfium2.PdfDocument(path.with_suffix(".pdf"))]
        code, block = (barcode.text for page in pages for barcode in zxingcpp.read_barcodes(page))
        photographed.append(tmp_path / f"{path.name}")
        photographed[-1].write_text(block)

        assert code in path.read_text()
    assert read_kits([whole]) == read_kits(photographed[:1])
    assert read_kits([shares[0], shares[2]]) == read_kits(photographed[1:])


def test_a_kit_names_people_as_they_are_called(whole: Path) -> None:
    """Names stand in the file in their own letters."""
    assert ("Ada Łoś, +44 1632 960001", "Grace, +1 202 555 0100") == read_kits([whole]).contacts[:2]
    assert "Vendor: Hosting: support@example.net" in whole.read_text()


def test_a_kit_is_its_owners_alone(place: Place, whole: Path) -> None:
    """Nobody else on the machine can read it, and it is never written over."""
    assert {0o600} == {path.stat().st_mode & 0o777 for path in whole.parent.iterdir()}


def test_a_kit_that_was_taken_back_opens_nothing(another: Place) -> None:
    """Once its key is removed a kit fails in every region."""
    (path,) = another.kit()
    kit = read_kits([path])
    assert 0 == another.run("key", "remove", kit.vaults[0].key[:12]).code

    ran = elsewhere("kit", "verify", path, "--json")

    assert (1, "failed") == (ran.code, ran.document["result"])


def test_a_place_that_is_gone_is_told(place: Place, whole: Path, tmp_path: Path) -> None:
    """A kit whose places hold no vault any more is not said to be good."""
    (tmp_path / "kit.txt").write_text(whole.read_text())
    moved = (place.home / "b").rename(place.home / "elsewhere")
    try:
        ran = elsewhere("kit", "verify", tmp_path / "kit.txt")
    finally:
        moved.rename(place.home / "b")

    assert 1 == ran.code
    assert "in region attic?" in ran.out
    assert "passed: does the kit open vault 'default' in region home?" in ran.out


def test_no_secret_is_said_when_a_kit_is_made(another: Place) -> None:
    """Neither what is printed on the terminal nor what is noted as evidence tells the kit's password or code."""
    place = another
    ran = place.run("kit", "create", "-o", place.home / "more")
    (path,) = (place.home / "more").glob("*.txt")
    kit = read_kits([path])

    said = ran.out + ran.err
    noted = place.run("evidence", "export", "-o", place.home / "evidence.jsonl")
    assert 0 == noted.code
    for text in (said, (place.home / "evidence.jsonl").read_text()):
        assert kit.password not in text
        assert "Code:" not in text
    assert kit.vaults[0].key in (place.home / "evidence.jsonl").read_text()


def test_credentials_are_named_and_not_told(tmp_path: Path) -> None:
    """A region's secret is not in a kit, whether it was kept by reference or typed: only that it is needed."""
    options: dict[str, str | SecretRef] = {
        "region": "eu",
        "access_key_id": "AK",
        "secret_access_key": SecretEnv("HIDDEN"),
        "session_token": "typed!",
    }
    vault = create_vault(a_store(tmp_path), PASSWORD, CHEAP, CLOCK)
    opened = OpenVault(vault, opener(str(tmp_path), {}), Owner("studio", "ada", 1), CLOCK, a_store(tmp_path))

    (file,) = make([Described("default", opened, [("far", "s3://bucket", options)], 1)], Order(), CLOCK)

    (region,) = file.vaults[0].regions
    assert {"region": "eu", "access_key_id": "AK"} == region.options
    assert {"secret_access_key": "environment variable HIDDEN", "session_token": "the command line"} == region.needs
    assert "typed!" not in kit_text(file)


@pytest.mark.parametrize("split", ["2", "3-of-2", "1-of-3", "two-of-three", "2-of-300"])
def test_a_split_that_makes_no_sense_is_refused(place: Place, split: str) -> None:
    """Nothing is made, in no vault, for a split that nobody can mean."""
    before = sorted((place.home / "a" / "keys").iterdir())

    ran = place.run("kit", "create", "--split", split, "-o", place.home / "none")

    assert 2 == ran.code
    assert before == sorted((place.home / "a" / "keys").iterdir())
