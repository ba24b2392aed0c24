"""Metrics that are read from the database, for `/metrics`."""
