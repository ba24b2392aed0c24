"""`manage.py seed_demo`: the demo's assets and users, their credentials, and first calls."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from core.unit_of_work import unit_of_work
from ops import listen_address
from ops.demo import PASSWORD, create_actors, email_of, first_wallet
from wallets.assets import to_decimal
from wallets.models import Status, Wallet

# Can be pasted as a whole. The sentences have no quotes, brackets or wildcards: zsh takes a comment
# for a command, which it does not find, and goes on.
_FIRST_CALLS = """
# First calls: paste all of this into another terminal. The shop and rich log in:
  URL=%(url)s
  JSON='Content-Type: application/json'
  post() { curl -s $URL$1 -H "$JSON" -H "Authorization: Token $2" -d "$3"; echo; }
  field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }
  log_in() { post /$1/login '' '{"email": "'$2'", "password": "%(password)s"}' | field token; }
  SHOP=$(log_in company %(shop)s)
  RICH=$(log_in client %(rich)s)
  WALLET=%(wallet)s

# The shop asks for 12.50, and rich pays:
  ASKED=$(post /payment-requests $SHOP '{"amount": "12.50", "summary": "Two coffees"}' | field id)
  post /payment-requests/$ASKED/pay $RICH '{"wallet": "'$WALLET'"}'

# Rich shows a pay token, good for one charge, and the shop charges by it:
  SHOWN=$(post /paytokens $RICH '{"wallet": "'$WALLET'"}' | field paytoken)
  post /wallet/charge $SHOP '{"paytoken": "'$SHOWN'", "amount": "4.20", "summary": "A cake"}'

# The server of the platform, by a token of this start, sells rich some gold:
  PLATFORM=%(platform)s
  ID=%(buyer)s
  post /api/v1/wallet/topup $PLATFORM '{"userId": "'$ID'", "assetSymbol": "GOLD", "amount": "5.00"}'

"""


class Command(BaseCommand):
    help = "Create the demo's assets and accounts, once; print first calls and a platform's token."

    def handle(self, *args: Any, **options: Any) -> None:
        platform_token = unit_of_work(create_actors)
        url = listen_address.url(settings.HOST, settings.PORT)
        rich, empty, frozen, shop = map(first_wallet, ("rich", "empty", "frozen", "shop"))
        self.stdout.write(
            f"""
Demo accounts, all but the platform with the password {PASSWORD}
  {email_of("rich"):24} client, {_holding(rich):24} wallet {rich.id}
  {email_of("empty"):24} client, {_holding(empty):24} wallet {empty.id}
  {email_of("frozen"):24} client, {_holding(frozen):24} wallet {frozen.id}
  {email_of("ana"):24} client with GOLD, DIAMOND and LOYALTY
  {email_of("ben"):24} client with GOLD, DIAMOND and LOYALTY
  {email_of("shop"):24} company, {_holding(shop):23} wallet {shop.id}
  {email_of("operator"):24} staff, for {url}/admin/
  {email_of("approver"):24} staff, too: approves what the other one may not do alone
  {email_of("platform"):24} a platform's server, by a token""",
        )
        self.stdout.write(
            _FIRST_CALLS
            % {
                "url": url,
                "shop": email_of("shop"),
                "rich": email_of("rich"),
                "password": PASSWORD,
                "wallet": rich.id,
                "buyer": rich.owner_id,
                "platform": platform_token,
            },
            ending="",
        )


def _holding(wallet: Wallet) -> str:
    """Return what the wallet holds now, such as `50.00 USD, frozen`."""
    amount = to_decimal(wallet.balance_minor, wallet.asset_id)
    status = "" if wallet.status == Status.ACTIVE else f", {wallet.status}"
    return f"{amount:,} {wallet.asset_id}{status}"
