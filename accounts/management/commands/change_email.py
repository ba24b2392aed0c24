"""`manage.py change_email ID EMAIL --reason …`: another address for an account."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.services import change_email
from core.errors import InvalidInput, Refusal
from core.texts import is_visible
from core.unit_of_work import unit_of_work


class Command(BaseCommand):
    help = (
        "Give an account another email address. Its id is in the admin, and in `doctor`'s report."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=UUID)
        parser.add_argument("email")
        parser.add_argument(
            "--reason", required=True, help="Stored permanently in the support actions."
        )

    def handle(self, *args: Any, id: UUID, email: str, reason: str, **options: Any) -> None:  # noqa: A002
        if not is_visible(reason):
            raise CommandError("A reason is needed.")
        try:
            user = unit_of_work(lambda: change_email(id, email, reason=reason[:500]))
        except InvalidInput as refusal:
            raise CommandError(f"{email} is not an email address.") from refusal
        except Refusal as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"{user.pk} logs in as {user.email}.")
