"""``covenant.toml`` files for the tests of what is read from them."""

from pathlib import Path

FULL = """\
# A studio's covenant.
[vault]
url = "./vault"
password = { file = "vault.key" }

[vaults.offsite]
url = "s3://studio-backups/covenant"
password = { command = ["pass", "show", "vault"] }
options = { region = "auto", endpoint = "https://s3.example.net", secret_access_key = { env = "OFFSITE_SECRET" } }

[classes.critical]
rpo = "5m"
retention = { keep_last = 3, keep_tags = ["legal"] }

[classes.archive]
rpo = "30d"
rto = "2d"

[sources.media]
kind = "files"
paths = ["./media", "/srv/raw"]
class = "important"
exclude = ["*.tmp", "cache/"]
exclude_caches = true
exclude_if_present = [".nobackup"]
vault = "offsite"
tags = ["studio"]
retention = { keep_monthly = 24, keep_within = "1y6m" }

[sources.catalog]
kind = "sqlite"
path = "./studio.db"
class = "critical"

[limits]
upload_threads = 8
pack_size = "32MiB"
compression = "max"
"""

MINIMAL = """\
[sources.media]
kind = "files"
path = "media"
class = "operational"
"""


def written(folder: Path, text: str) -> Path:
    """The file, written into a folder."""
    path = folder / "covenant.toml"
    path.write_text(text)
    return path
