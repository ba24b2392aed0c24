"""The sidebar of the admin."""

from typing import Any

from django.http import HttpRequest

from support.operator_admin import page_url


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links; the link to the current page is marked as active."""
    groups = {
        "": [
            ("Dashboard", "monitoring", page_url("index")),
            ("Find", "search", page_url("find")),
        ],
        "People": [
            ("Customers", "group", page_url("accounts_user_changelist")),
            ("Support actions", "history", page_url("accounts_supportaction_changelist")),
        ],
        "Money": [
            ("Wallets", "wallet", page_url("wallets_wallet_changelist")),
            ("Transactions", "swap_horiz", page_url("ledger_transaction_changelist")),
            (
                "Failed attempts",
                "error",
                page_url("ledger_transaction_changelist", outcome="failed"),
            ),
            (
                "Approvals",
                "approval",
                page_url("commerce_adjustmentrequest_changelist", status="pending"),
            ),
            ("Trial balance", "balance", page_url("trial_balance")),
            ("Assets", "toll", page_url("wallets_asset_changelist")),
        ],
    }
    here = request.get_full_path()
    urls = [url for items in groups.values() for _, _, url in items if here.startswith(url)]
    # The dashboard's URL is a prefix of all others.
    urls = [url for url in urls if url != page_url("index") or request.path == url]
    # The longest match: the URL of the failed attempts begins with that of the transactions.
    active = max(urls, key=len, default=None)
    return [
        {
            "title": title,
            "items": [
                {"title": name, "icon": icon, "link": url, "active": url == active}
                for name, icon, url in items
            ],
        }
        for title, items in groups.items()
    ]
