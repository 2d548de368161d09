"""Writes every generated page of docs/, or with --check ends with 1 if one of them is out of date."""

from __future__ import annotations

import sys

import gen_cli_reference

GENERATORS = (gen_cli_reference,)


def main() -> int:
    """Run every generator; each reads the same arguments."""
    return max(generator.main() for generator in GENERATORS)


if __name__ == "__main__":
    sys.exit(main())
