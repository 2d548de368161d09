"""Finding all damage in a vault, and which files each piece of it costs."""
