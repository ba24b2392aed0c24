"""`manage.py seed_demo`: the demo's assets and users, their credentials, and first calls."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.unit_of_work import unit_of_work
from ops import listen_address
from ops.demo import PASSWORD, create_actors, email_of, first_wallet_id

# The indented lines can be pasted, into zsh too: there a comment would be a command.
_FIRST_CALLS = """
First calls, to paste into another terminal. The shop and rich log in:
  URL=%(url)s
  JSON='Content-Type: application/json'
  post() { curl -s $URL$1 -H "$JSON" -H "Authorization: Token $2" -d "$3"; echo; }
  field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }
  log_in() { post /$1/login '' '{"email": "'$2'", "password": "%(password)s"}' | field token; }
  SHOP=$(log_in company %(shop)s)
  RICH=$(log_in client %(rich)s)
  WALLET=%(wallet)s

The shop asks for 12.50, and rich pays:
  ASKED=$(post /payment-requests $SHOP '{"amount": "12.50", "summary": "Two coffees"}' | field id)
  post /payment-requests/$ASKED/pay $RICH '{"wallet": "'$WALLET'"}'

Rich shows a pay token, good for one charge, and the shop charges by it:
  SHOWN=$(post /paytokens $RICH '{"wallet": "'$WALLET'"}' | field paytoken)
  post /wallet/charge $SHOP '{"paytoken": "'$SHOWN'", "amount": "4.20", "summary": "A cake"}'

"""


class Command(BaseCommand):
    help = "Create the demo's assets, clients, company and operator, once; print first calls."

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
  {email_of("operator"):24} operator; also for {url}/admin/""",
        )
        self.stdout.write(
            _FIRST_CALLS
            % {
                "url": url,
                "shop": email_of("shop"),
                "rich": email_of("rich"),
                "password": PASSWORD,
                "wallet": first_wallet_id("rich"),
            },
            ending="",
        )
