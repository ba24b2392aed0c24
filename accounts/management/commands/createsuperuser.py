"""`manage.py createsuperuser`: Django's command, which here refuses."""

from typing import Any

from django.contrib.auth.management.commands.createsuperuser import Command as CreateSuperuser
from django.core.management.base import CommandError


class Command(CreateSuperuser):
    """There are no superusers: staff have every right that the admin gives."""

    help = "Refuses: staff are made by `create_operator EMAIL --set-password`."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(
            "There are no superusers. Staff are made by: manage.py create_operator EMAIL"
            " --set-password"
        )
