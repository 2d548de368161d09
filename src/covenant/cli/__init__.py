"""The command line: where people and scripts come in."""
