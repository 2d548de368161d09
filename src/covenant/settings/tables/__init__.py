"""The tables of ``covenant.toml`` as people write them: which keys there are, of which type, and what each is for.

The descriptions are what editors show; ``schema`` publishes them. What a table means together with the others (names
that refer to one another, defaults that a class supplies) is decided in ``resolve``.
"""
