"""`manage.py create_operator EMAIL`: create a platform's server or staff, and a token."""

import sys
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.email_addresses import canonical_email
from accounts.services import create_operator
from core.errors import InvalidInput, Refusal
from core.times import rfc3339
from core.unit_of_work import unit_of_work


class Command(BaseCommand):
    help = (
        "Create an operator and print a token at the end: a platform's server, or with"
        " --set-password one of the staff. Of an operator that exists, print another token."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--set-password",
            action="store_true",
            help="Create staff, or set their password: prompt for it, or without a terminal take"
            " the first line of the standard input. Older tokens are revoked. Platforms have none.",
        )

    def handle(self, *args: Any, email: str, set_password: bool, **options: Any) -> None:
        try:
            email = canonical_email(email)
            password = _read_password() if set_password else None
            session = unit_of_work(lambda: create_operator(email, password))
        except ValueError as error:
            raise CommandError(f"{email} is not an email address.") from error
        except InvalidInput as refusal:
            raise CommandError(" ".join(refusal.details["password"])) from refusal
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(
            f"Operator {session.user.email} ({session.user.pk}), {session.user.operator_kind},"
            f" until {rfc3339(session.expiry)}, token: {session.token}"
        )


def _read_password() -> str:
    """Return a password that was typed twice, or the first line of the standard input.

    It is never an argument: those are in the shell's history and in the list of processes.
    """
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass()
    if getpass("Repeat the password: ") != password:
        raise CommandError("The two passwords differ.")
    return password
