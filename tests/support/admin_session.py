"""A session in the admin: pages, their text, and the rows of lists."""

import html
import re
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User

TRANSACTIONS = "/admin/ledger/transaction/"
WALLETS = "/admin/wallets/wallet/"
CUSTOMERS = "/admin/accounts/user/"
ASSETS = "/admin/wallets/asset/"
TRIAL_BALANCE = "/admin/ledger/transaction/trial-balance/"


class Page:
    """A response of the admin. `text` is its visible text."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.status = response.status_code
        without_tags = re.sub(r"<[^>]*>", " ", response.content.decode())
        self.text = " ".join(html.unescape(without_tags).split())

    @property
    def rows(self) -> list[Any]:
        return list(self.response.context["cl"].result_list)

    @property
    def ids(self) -> list[str]:
        return [str(row.pk) for row in self.rows]

    @property
    def next_url(self) -> str | None:
        """The query string of the next page."""
        url: str | None = self.response.context["cl"].next_page
        return url

    def errors(self, field: str) -> list[str]:
        return list(self.response.context["form"].errors.get(field, []))


class AdminSession:
    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, url: str, **query: str) -> Page:
        return Page(self.client.get(url, query))

    def queries(self, url: str, **query: str) -> list[str]:
        """Return the SQL statements that a page executes."""
        with CaptureQueriesContext(connection) as captured:
            self.get(url, **query)
        return [query["sql"] for query in captured.captured_queries]

    def post(self, url: str, **fields: str) -> Page:
        """Send a form and follow the redirects."""
        return Page(self.client.post(url, fields, follow=True))

    def freeze(self, wallet_id: object, **fields: str) -> Page:
        return self.post(f"{WALLETS}{wallet_id}/freeze/", **fields)

    def unfreeze(self, wallet_id: object, **fields: str) -> Page:
        return self.post(f"{WALLETS}{wallet_id}/unfreeze/", **fields)


def admin_session_of(user: User) -> AdminSession:
    """Return a session with the user logged in."""
    client = Client()
    client.force_login(user)
    return AdminSession(client)
