"""A PostgreSQL server as a source: kept whole over one ordinary connection, without touching the server's host."""
