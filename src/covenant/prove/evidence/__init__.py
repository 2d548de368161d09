"""Evidence: what was done, chained and signed so that a stranger can check it with one public key and nothing else.

``docs/reference/evidence.md`` describes what is written here, for whoever wants to check it with another program.
"""
