"""Money in pages and in what commands print: plain digits, of eight decimals too."""

import html
import io
import re

from django.core.management import call_command

from ledger.models import Transaction
from tests.api.http.test_money_out import WITH_EXPONENT
from tests.factories import a_holder_of_little
from tests.support.admin_session import TRANSACTIONS, TRIAL_BALANCE, WALLETS, AdminSession

_NOT_SHOWN = re.compile(r"<(script|style|svg).*?</\1>", re.DOTALL)


def test_no_page_and_no_command_has_an_exponent(admin: AdminSession) -> None:
    client = a_holder_of_little()
    transaction = Transaction.objects.latest("id")

    pages = [
        _NOT_SHOWN.sub("", html.unescape(admin.get(url).response.content.decode()))
        for url in (
            "/admin/?asset=MILLI",
            WALLETS,
            f"{WALLETS}{client.wallet_id}/change/",
            TRANSACTIONS,
            f"{TRANSACTIONS}{transaction.pk}/change/",
            TRIAL_BALANCE,
        )
    ]
    printed = io.StringIO()
    call_command("trial_balance", stdout=printed)

    assert [WITH_EXPONENT.findall(text) for text in (*pages, printed.getvalue())] == [[]] * 7
    assert "0.00000042" in pages[2]
    assert '"0.00000043"' in pages[0], "a chart"
