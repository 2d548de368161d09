"""Folders and files as a source."""
