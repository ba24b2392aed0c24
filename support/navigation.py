"""The sidebar of the admin. A page has the name of its link here: in its title and its trail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from support import adjustment_records

#: Up to how many the sidebar counts.
MAX_COUNT = 99


@dataclass(frozen=True, slots=True)
class Section:
    """A link of the sidebar, and what is below its path.

    `query` is what the link filters by. With `is_part` the section is only that part of the list;
    without, the whole list belongs to it. `when_empty` is what the list says that has no rows.
    """

    title: str
    icon: str
    view: str
    query: Mapping[str, str] = field(default_factory=dict)
    is_part: bool = False
    when_empty: str = "There is nothing here yet."

    @property
    def path(self) -> str:
        return reverse(f"admin:{self.view}")

    @property
    def url(self) -> str:
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def has_page(self, request: HttpRequest) -> bool:
        """Whether the page that is shown belongs to the section."""
        if self.view == "index":  # its path is a prefix of all others
            return request.path == self.path
        wanted = self.query.items() if self.is_part else ()
        return request.path.startswith(self.path) and all(
            request.GET.get(name) == value for name, value in wanted
        )


_TRANSACTIONS = "ledger_transaction_changelist"
APPROVALS = Section(
    "Approvals",
    "approval",
    "commerce_adjustmentrequest_changelist",
    {"status": "pending"},
    when_empty="Nothing waits.",
)
GROUPS = {
    "": [Section("Dashboard", "monitoring", "index"), Section("Find", "search", "find")],
    "People": [
        Section("Customers", "group", "accounts_user_changelist"),
        Section("Support actions", "history", "accounts_supportaction_changelist"),
    ],
    "Money": [
        Section("Wallets", "wallet", "wallets_wallet_changelist"),
        Section("Transactions", "swap_horiz", _TRANSACTIONS),
        Section(
            "Failed attempts",
            "error",
            _TRANSACTIONS,
            {"outcome": "failed"},
            is_part=True,
            when_empty="There are no failed attempts.",
        ),
        APPROVALS,
        Section("Trial balance", "balance", "trial_balance"),
        Section("Assets", "toll", "wallets_asset_changelist"),
    ],
}


def section_of(request: HttpRequest) -> Section | None:
    """Return the section that the page belongs to: the narrowest one."""
    sections = [
        section for group in GROUPS.values() for section in group if section.has_page(request)
    ]
    return max(sections, key=lambda each: (len(each.path), each.is_part), default=None)


def when_empty(request: HttpRequest) -> str | None:
    """Return what a list says that has no rows when it is as the sidebar links to it, else None."""
    section = section_of(request)
    is_as_linked = section is not None and request.GET.dict() == section.query
    return section.when_empty if section and is_as_linked else None


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links; the link to the section of the page is marked as active."""
    active = section_of(request)
    return [
        {
            "title": title,
            "items": [
                {
                    "title": section.title,
                    "icon": section.icon,
                    "link": section.url,
                    "active": section is active,
                    "badge": _waiting(request) if section is APPROVALS else "",
                    "badge_variant": "warning",
                }
                for section in group
            ],
        }
        for title, group in GROUPS.items()
    ]


def _waiting(request: HttpRequest) -> str:
    """Return how many adjustments the operator may decide about; "" for none."""
    if not isinstance(request.user, User):
        return ""
    waiting = adjustment_records.to_decide(request.user).values_list("pk", flat=True)
    count = len(waiting[: MAX_COUNT + 1])
    return f"{MAX_COUNT}+" if count > MAX_COUNT else str(count or "")
