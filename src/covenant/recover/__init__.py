"""Bringing back: from the vault to where it is needed. Reads the vault, and never writes to it."""
