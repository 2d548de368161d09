"""Covenant beside restic and borg: the same data, the same work, in one run. See ``README.md``."""
