"""`manage.py smoke URL`: test over HTTP whether the service moves money."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ops import listen_address
from ops.demo import PASSWORD, email_of
from ops.smoke import SmokeError, smoke


class Command(BaseCommand):
    help = "Transfer a cent there and back over HTTP, with a separate account. Exit status 0 or 1."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "url", nargs="?", help="The service's URL; by default the one on this host."
        )

    def handle(self, *args: Any, url: str | None, **options: Any) -> None:
        """Print one line: success, or the step that failed."""
        url = url or listen_address.url(settings.HOST, settings.PORT)
        if not url.startswith(("http://", "https://")):
            raise CommandError("The URL begins with http:// or https://.")
        email, password = settings.SMOKE_EMAIL, settings.SMOKE_PASSWORD
        if settings.IS_DEMO and not (email or password):
            email, password = email_of("smoke"), PASSWORD
        if not (email and password):
            raise CommandError(
                "WALLET_SERVICE_SMOKE_EMAIL and WALLET_SERVICE_SMOKE_PASSWORD set the account."
            )
        started = time.monotonic()
        try:
            smoke(url, email=email, password=password)
        except SmokeError as error:
            raise CommandError(f"FAILED at {error}") from error
        seconds = time.monotonic() - started
        self.stdout.write(f"ok: a cent went there and back at {url} in {seconds:.2f} s")
