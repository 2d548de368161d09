"""What the people who run a platform told us: ``covenant.toml``, and the process's environment.

``environment`` and ``locate`` are quick to load. ``file`` reads a ``covenant.toml`` into the plain values of
``values``; only it loads the library that validates, which takes longer than most commands may take to start.
"""
