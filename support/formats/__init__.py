"""How the admin writes times: Django looks here, per language."""
