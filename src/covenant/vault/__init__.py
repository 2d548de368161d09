"""The repository in restic's format: what we keep."""
