"""`manage.py changepassword`: Django's command, which here refuses."""

from typing import Any

from django.contrib.auth.management.commands.changepassword import Command as ChangePassword
from django.core.management.base import CommandError


class Command(ChangePassword):
    """A password set here would leave the sessions of the account alive, and nothing on record."""

    help = "Refuses: passwords of staff are set by `create_operator EMAIL --set-password`."

    def handle(self, *args: Any, **options: Any) -> None:
        raise CommandError(
            "Passwords of staff are set by: manage.py create_operator EMAIL --set-password."
            " Clients and companies reset theirs by mail."
        )
