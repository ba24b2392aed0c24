"""`manage.py seed_customers SOURCE`: an alias of `import_customers`."""

from intake.management.commands.import_customers import Command

__all__ = ["Command"]
