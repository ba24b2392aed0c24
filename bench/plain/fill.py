"""Makes its tables and accounts: `python -m bench.plain.fill DATA PAYERS COMPANIES`."""

import sys
from pathlib import Path

import django
from django.core.management import call_command


def main(data: Path, payers: int, companies: int) -> None:
    """Migrate, make the accounts, and write them to `data` for wrk."""
    django.setup()
    from django.contrib.auth.models import User
    from rest_framework.authtoken.models import Token

    from bench.plain.models import Account
    from bench.wrk import write_data

    # The tables of its own refer to those of the apps with migrations.
    call_command("migrate", "authtoken", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    users = User.objects.bulk_create(User(username=f"user{n}") for n in range(companies))
    tokens = Token.objects.bulk_create(Token(key=Token.generate_key(), user=user) for user in users)
    own = Account.objects.bulk_create(Account(owner=user) for user in users)
    filled = Account.objects.bulk_create(
        Account(owner=users[n % companies], balance=10**9) for n in range(payers)
    )
    write_data(
        data,
        {
            "payers": [str(account.pk) for account in filled],
            "companies": [
                {"token": token.key, "wallet": str(account.pk)}
                for token, account in zip(tokens, own, strict=True)
            ],
        },
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
