"""Protected systems, one folder each."""
