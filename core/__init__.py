"""Core: how the service speaks and counts."""
