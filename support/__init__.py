"""The admin: what support staff see and do."""
