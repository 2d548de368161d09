"""Covenant keeps what people cannot make again, and proves it by restoring."""

__version__ = "0.1.0"
