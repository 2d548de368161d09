"""The way from every released schema of the catalog to the newest."""
