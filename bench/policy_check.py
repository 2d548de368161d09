"""How long the check of a policy of a thousand sources takes: reading, merging, looking for contradictions.

python -m bench.policy_check [SOURCES]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from covenant.kernel.contradictions import contradictions
from covenant.kernel.coverage import coverage
from covenant.settings.file import load
from covenant.settings.policy import policy_of

_CLASSES = ("critical", "important", "operational", "gold")
_HEAD = """\
[vault]
acknowledge = 2
[vault.regions]
near = { url = "/srv/near" }
mid = { url = "/srv/mid" }
far = { url = "/srv/far" }

[classes.gold]
rpo = "2h"
rto = "4h"
window = "30d"
copies = 3
retention = { keep_within = "30d" }

[classes.gold.schedule]
full = "0 2 * * Sun"
incremental = "*/30 * * * *"
zone = "Europe/Berlin"
jitter = "10m"
blackouts = ["Mon-Fri 08:00-08:30"]

[tiers.enterprise]
copies = 3
"""


def document(sources: int) -> str:
    """A file with so many sources, of every class, many with words of their own."""
    tables = (
        f'[sources.s{n}]\nkind = "files"\npaths = ["/srv/{n}"]\nclass = "{_CLASSES[n % 4]}"\n'
        + ('tier = "enterprise"\n' if n % 3 == 0 else "")
        + (f'schedule = {{ archive = "{n % 60} {n % 24} 1 * *" }}\n' if n % 5 == 0 else "")
        for n in range(sources)
    )
    return _HEAD + "\n".join(tables)


def main() -> None:
    """Measure once, from the file to the answer."""
    sources = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "covenant.toml"
        path.write_text(document(sources))
        began = time.perf_counter()
        settings = load(path)
        read = time.perf_counter()
        policy = policy_of(settings)
        found, covered = contradictions(policy), coverage(policy)
        ended = time.perf_counter()
    print(f"{sources} sources: read {read - began:.3f} s, checked {ended - read:.3f} s, {ended - began:.3f} s in all")
    print(f"{len(found)} contradictions, {sum(each.covered for each in covered)} sources covered")


if __name__ == "__main__":
    main()
