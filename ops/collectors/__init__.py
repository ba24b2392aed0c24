"""Figures that the database knows, for `/metrics`."""
