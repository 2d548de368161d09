"""The one door out: what may be let go, decided first and carried out after."""
