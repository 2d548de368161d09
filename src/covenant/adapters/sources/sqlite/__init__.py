"""A SQLite database as a source: copied while it is being written to, put back beside the live one and swapped."""
