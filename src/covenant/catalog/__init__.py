"""The record of what was done: a convenience that is rebuilt from the vaults when it is lost."""
