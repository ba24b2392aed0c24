"""Connections to PostgreSQL: the backend of the settings (`base`), and what they are called."""

#: The alias of the database that reads may follow to, beside Django's `default`.
REPLICA = "replica"
