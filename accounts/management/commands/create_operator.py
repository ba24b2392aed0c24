"""`manage.py create_operator EMAIL`: a platform operator and a token for it."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.services import create_operator
from core.errors import Refusal
from core.http.renderer import rfc3339
from core.unit_of_work import unit_of_work


class Command(BaseCommand):
    help = "Create an operator (or take the one with this email) and print a new token, last."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        try:
            validate_email(email)
            session = unit_of_work(lambda: create_operator(email))
        except ValidationError as error:
            raise CommandError(f"{email} is no email address.") from error
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"Operator {session.user.email} ({session.user.pk}),"
            f" until {rfc3339(session.expiry)}, token: {session.token}"
        )
