"""Its transfers, in a process of a crew: `python -m bench.hordak.transfers`.

`... transfers ACCOUNTS` makes the tables and so many accounts instead.
"""

import random
import sys
from collections.abc import Sequence

import django
from django.core.management import call_command
from django.db import transaction

from bench.crew import Work, serve


def make_accounts(count: int) -> None:
    """Migrate, and make so many accounts with money in them."""
    from hordak.models import Account, AccountType, Leg, Transaction
    from moneyed import Money

    call_command("migrate", verbosity=0)

    def account(name: str, kind: AccountType) -> Account:
        return Account.objects.create(name=name, code=None, type=kind, currencies=["USD"])

    with transaction.atomic():
        bank = account("Bank", AccountType.asset)
        for number in range(count):
            opening = Transaction.objects.create(description="Opening balance")
            amount = Money(1_000_000, "USD")
            wallet = account(f"Wallet {number}", AccountType.liability)
            Leg.objects.create(transaction=opening, account=bank, debit=amount)
            Leg.objects.create(transaction=opening, account=wallet, credit=amount)


def main() -> None:
    """Move money between random wallets."""
    from hordak.models import Account

    wallets = list(Account.objects.filter(name__startswith="Wallet").values_list("id", flat=True))
    serve(lambda: _moving(wallets))


def _moving(wallets: Sequence[int]) -> Work:
    from hordak.models import Account
    from moneyed import Money

    chance = random.Random()
    amount = Money("0.01", "USD")

    def work() -> int:
        pair = chance.sample(wallets, 2)
        with transaction.atomic():
            locked = Account.objects.select_for_update().filter(id__in=pair).order_by("id")
            accounts = {account.id: account for account in locked}
            source, target = (accounts[wallet] for wallet in pair)
            if source.get_simple_balance()["USD"] < amount:
                raise RuntimeError("A wallet ran out of money.")
            # Wallets are what is owed to people: who pays is debited.
            target.transfer_to(source, amount)
        return 1

    return work


if __name__ == "__main__":
    django.setup()
    if len(sys.argv) > 1:
        make_accounts(int(sys.argv[1]))
    else:
        main()
