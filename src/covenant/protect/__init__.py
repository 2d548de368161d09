"""Bringing in: one source, once, into the vault."""
