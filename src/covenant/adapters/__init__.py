"""The outside world, one folder per kind of thing."""
