"""`manage.py import_customers SOURCE`: customers from JSON lines."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from core.errors import Unavailable
from intake.customers.display import Display, PlainDisplay, TerminalDisplay, summary
from intake.customers.imports import AlreadyImporting, import_customers
from intake.customers.load import ImportOvertaken
from intake.customers.rejects import RejectsUnwritable
from intake.customers.source import SourceError


class Command(BaseCommand):
    help = (
        "Make customers of JSON lines {email, first_name, last_name, phone_number, balance?,"
        " currency?}, gzipped or not. Each version of a source is imported once; a stopped"
        " import is resumed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="A path, https://… or s3://bucket/key")

    def handle(self, *args: Any, source: str, **options: Any) -> None:
        console = Console()
        display: Display = (
            TerminalDisplay(console) if console.is_terminal else PlainDisplay(self.stdout.write)
        )
        try:
            with display:
                result = import_customers(source, on_progress=display)
        except (SourceError, AlreadyImporting, ImportOvertaken, RejectsUnwritable) as error:
            raise CommandError(str(error)) from error
        except Unavailable as error:
            raise CommandError(
                "The database does not answer. Run the command again: it resumes where it stopped."
            ) from error
        self.stdout.write(summary(result))
