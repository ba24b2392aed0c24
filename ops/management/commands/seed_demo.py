"""`manage.py seed_demo`: the demo's assets and users, and their credentials."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.unit_of_work import unit_of_work
from ops import listen_address
from ops.demo import PASSWORD, create_actors, email_of, first_wallet_id


class Command(BaseCommand):
    help = "Create the demo's assets, clients, company and operator, once; print credentials."

    def handle(self, *args: Any, **options: Any) -> None:
        unit_of_work(create_actors)
        url = listen_address.url(settings.HOST, settings.PORT)
        self.stdout.write(
            f"""
Demo accounts, all with the password {PASSWORD}
  {email_of("rich"):24} client, 1,000,000.00 USD   wallet {first_wallet_id("rich")}
  {email_of("empty"):24} client, 0.00 USD           wallet {first_wallet_id("empty")}
  {email_of("frozen"):24} client, 50.00 USD, frozen  wallet {first_wallet_id("frozen")}
  {email_of("ana"):24} client with GOLD, DIAMOND and LOYALTY
  {email_of("ben"):24} client with GOLD, DIAMOND and LOYALTY
  {email_of("shop"):24} company                    wallet {first_wallet_id("shop")}
  {email_of("operator"):24} operator; also for {url}/admin/

A first call:
  curl -s {url}/company/login -H 'Content-Type: application/json' \\
    -d '{{"email": "{email_of("shop")}", "password": "{PASSWORD}"}}'
"""
        )
