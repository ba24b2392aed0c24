"""Config: how the service is wired."""
