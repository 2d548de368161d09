"""The import contracts in pyproject.toml can fail: each is shown an import that it must refuse."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TRESPASSES = [
    ("kernel/trespass.py", "import covenant.vault.ports", "Imports point down only"),
    ("vault/trespass.py", "import covenant.adapters.stores", "Imports point down only"),
    ("kernel/trespass.py", "import sqlite3", "The kernel does no I/O"),
    ("kernel/trespass.py", "import os", "The kernel does no I/O"),
    ("protect/trespass.py", "import covenant.safeguard.rules", "Imports point down only"),
    ("safeguard/trespass.py", "import covenant.protect.ports", "Imports point down only"),
    ("settings/trespass.py", "import covenant.bootstrap", "Imports point down only"),
    ("managers/__init__.py", "import json", "Imports point down only"),
    ("protect/trespass.py", "import covenant.vault.prune", "Only safeguard may let go"),
    ("cli/trespass.py", "from covenant.vault.prune import plan", "Only safeguard may let go"),
    ("bootstrap_trespass.py", "from covenant.vault import prune", "Only safeguard may let go"),
    ("vault/trespass.py", "import covenant.vault.prune.apply", "Only safeguard may let go"),
    ("vault/trespass.py", "import obstore", "Only adapters.stores knows obstore"),
    ("adapters/sources/trespass.py", "import obstore.store", "Only adapters.stores knows obstore"),
    ("bootstrap_trespass.py", "import click", "Only the command line knows click and rich"),
    ("protect/trespass.py", "from rich.console import Console", "Only the command line knows click and rich"),
    ("vault/trespass.py", "import pydantic", "Only settings knows pydantic"),
    ("cli/trespass.py", "from pydantic_core import ValidationError", "Only settings knows pydantic"),
    ("adapters/sources/files/trespass.py", "import sqlite3", "Only the SQLite source knows sqlite3"),
    ("cli/trespass.py", "import sqlalchemy", "Only the catalog knows sqlalchemy and alembic"),
    ("prove/trespass.py", "from reportlab.lib import colors", "Only what prints knows reportlab"),
    ("vault/trespass.py", "from alembic import command", "Only the catalog knows sqlalchemy and alembic"),
]


def lint(project: Path) -> subprocess.CompletedProcess[str]:
    """What the linter says of a copy of the project."""
    program = Path(sys.executable).with_name("lint-imports")
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    return subprocess.run(
        [program, "--no-logo", "--no-cache"], cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's code and contracts that may be spoilt."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_the_house_keeps_its_contracts(project: Path) -> None:
    """Nothing that is there today breaks a contract."""
    verdict = lint(project)

    assert 0 == verdict.returncode, verdict.stdout


@pytest.mark.parametrize(("path", "trespass", "contract"), TRESPASSES)
def test_a_contract_refuses(project: Path, path: str, trespass: str, contract: str) -> None:
    """An import that a contract forbids breaks that contract, by name."""
    intruder = project / "src" / "covenant" / path
    intruder.parent.mkdir(exist_ok=True)
    intruder.write_text(f'"""A trespass."""\n\n{trespass}\n')

    verdict = lint(project)

    assert 1 == verdict.returncode
    assert f"{contract} BROKEN" in verdict.stdout
