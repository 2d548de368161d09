"""Questions that can be put to any restored source, whatever kind of system it is."""
