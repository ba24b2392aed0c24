"""Django's PostgreSQL backend, which does not lend dead connections from its pool (`base`)."""
