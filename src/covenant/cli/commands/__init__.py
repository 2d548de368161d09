"""One module for each command, or for a family of commands, under the name that the user types."""
