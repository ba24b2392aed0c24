"""`manage.py reset_second_factor EMAIL --reason …`: for an operator who lost the phone."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Role, User
from core.texts import is_visible
from core.unit_of_work import unit_of_work
from support import second_factor


class Command(BaseCommand):
    help = "Delete an operator's second factor. The operator sets up a new one at the next log-in."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--reason", required=True, help="Stored permanently in the support actions."
        )

    def handle(self, *args: Any, email: str, reason: str, **options: Any) -> None:
        user = User.objects.with_email(email).filter(role=Role.OPERATOR).first()
        if user is None:
            raise CommandError(f"There is no operator {email}.")
        if not is_visible(reason):
            raise CommandError("A reason is needed.")
        unit_of_work(lambda: second_factor.reset(user, actor=None, reason=reason[:500]))
        self.stdout.write(f"{user.email} sets up a new second factor at the next log-in.")
