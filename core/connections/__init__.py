"""Connections to PostgreSQL: the database backend (`base`), cursors, and the replica's alias."""

#: The alias of the read replica; the primary is Django's `default`.
REPLICA = "replica"
