"""`/api/v1`: the credits of a platform."""
