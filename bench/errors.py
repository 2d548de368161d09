"""What can go wrong with a benchmark. A run that failed is an error here, and never a figure."""

from __future__ import annotations


class BenchError(Exception):
    """The benchmark cannot give this figure; the message says which and why."""
