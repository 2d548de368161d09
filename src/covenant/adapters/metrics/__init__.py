"""Numbers for programs that watch."""
