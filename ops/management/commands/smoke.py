"""`manage.py smoke URL`: whether the service moves money, seen from outside."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ops import listen_address
from ops.demo import PASSWORD, email_of
from ops.smoke import SmokeError, smoke


class Command(BaseCommand):
    help = "Move a cent there and back over HTTP, as an account of its own. Exit status 0 or 1."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("url", nargs="?", help="Where it is called; here, if left out.")

    def handle(self, *args: Any, url: str | None, **options: Any) -> None:
        """Print one line: that all is well, or which step is not."""
        url = url or listen_address.url(settings.HOST, settings.PORT)
        if not url.startswith(("http://", "https://")):
            raise CommandError("The URL begins with http:// or https://.")
        email, password = settings.SMOKE_EMAIL, settings.SMOKE_PASSWORD
        if settings.IS_DEMO and not (email or password):
            email, password = email_of("smoke"), PASSWORD
        if not (email and password):
            raise CommandError(
                "WALLET_SERVICE_SMOKE_EMAIL and WALLET_SERVICE_SMOKE_PASSWORD name the account."
            )
        started = time.monotonic()
        try:
            smoke(url, email=email, password=password)
        except SmokeError as error:
            raise CommandError(f"FAILED at {error}") from error
        seconds = time.monotonic() - started
        self.stdout.write(f"ok: a cent went there and back at {url} in {seconds:.2f} s")
