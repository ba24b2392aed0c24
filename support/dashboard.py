"""The first page of the admin: figures of the last 24 hours, pending approvals, the queue."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

from django.http import HttpRequest

from accounts.models import User
from core.money import plain
from ledger.kinds import RULES, FailureCode, Kind
from support import adjustment_records, figures
from support.customers import operator_of
from support.navigation import APPROVALS
from support.operator_admin import amount_text, link, page_url
from support.tables import Table
from support.wallet_tables import adjustment_table
from wallets.assets import DEFAULT_CURRENCY, find_asset, to_decimal

REFUSAL_COLOURS = {
    FailureCode.INSUFFICIENT_FUNDS: "#f59e0b",
    FailureCode.WALLET_NOT_ACTIVE: "#0ea5e9",
    FailureCode.BALANCE_LIMIT: "#f43f5e",
}


def _options(ticks: dict[str, Any]) -> str:
    """Return the options of stacked bars with a legend, for the Chart.js of the admin.

    `ticks` are those of the upright axis. `charts.js` colours all text by the theme.
    """
    legend = {"position": "bottom", "labels": {"boxWidth": 10, "boxHeight": 10}}
    upright = {"stacked": True, "beginAtZero": True, "border": {"display": False}, "ticks": ticks}
    options = {
        "animation": False,
        "responsive": True,
        "maintainAspectRatio": False,
        "locale": "en",
        "interaction": {"mode": "index", "intersect": False},
        "plugins": {"legend": legend},
        "scales": {"x": {"stacked": True, "grid": {"display": False}}, "y": upright},
    }
    return json.dumps(options)


#: Amounts in short, as 1.2M; the tooltip has them in full.
MONEY_OPTIONS = _options({"format": {"notation": "compact", "maximumFractionDigits": 2}})
#: Attempts: whole numbers, also when there is but one.
COUNT_OPTIONS = _options({"precision": 0})
#: How many of the operator's own adjustments the page shows, the newest ones.
OWN_ADJUSTMENTS = 5
TOO_SLOW = "too many"


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of the page: unfold calls this."""
    operator = operator_of(request)
    hours = figures.hours()
    symbols = _symbols(hours or [])
    requested = request.GET.get("asset", "")
    symbol = requested if requested in symbols else symbols[0]
    return {
        **context,
        "title": "Dashboard",
        "asset": symbol,
        "assets": [(each, page_url("index", asset=each), each == symbol) for each in symbols],
        "tiles": [
            *_money_tiles(hours, symbol),
            _fees(hours, symbol),
            _held(symbol),
            _sign_ups(),
            _approvals(operator),
        ],
        "own_adjustments": adjustment_table(
            "", adjustment_records.asked_by(operator)[:OWN_ADJUSTMENTS]
        ).without("by"),
        "money_options": MONEY_OPTIONS,
        "count_options": COUNT_OPTIONS,
        "is_counted": hours is not None,
        "volume": _volume_chart(hours or [], symbol),
        "refusals": _refusal_chart(hours or []),
        "merchants": _merchants(symbol),
        "queue": _queue(),
        "books": figures.books(),
    }


def _symbols(hours: list[figures.Hour]) -> list[str]:
    """Return the assets that moved, the default currency first, then the busiest."""
    moved: Counter[str] = Counter()
    for hour in hours:
        for (symbol, _kind), count in hour.counts.items():
            moved[symbol] += count
    others = [each for each, _ in moved.most_common() if each != DEFAULT_CURRENCY]
    return [DEFAULT_CURRENCY, *(each for each in others if find_asset(each))]


def _tile(title: str, value: str, caption: str, url: str = "") -> dict[str, str]:
    return {"title": title, "value": value, "caption": caption, "url": url}


def _money_tiles(hours: list[figures.Hour] | None, symbol: str) -> list[dict[str, str]]:
    if hours is None:
        return [_tile("Transactions", TOO_SLOW, "to count on this page")]
    minor = sum(
        n
        for hour in hours
        for (asset, kind), n in hour.volumes.items()
        if asset == symbol and RULES[Kind(kind)].moves
    )
    completed = sum(sum(hour.counts.values()) for hour in hours)
    refused = sum(sum(hour.refusals.values()) for hour in hours)
    attempts = completed + refused
    share = f"{Decimal(100 * refused) / attempts:.1f} % of attempts" if attempts else "no attempts"
    failed = page_url("ledger_transaction_changelist", outcome="failed")
    all_transactions = page_url("ledger_transaction_changelist")
    return [
        _tile(f"Moved, {symbol}", f"{to_decimal(minor, symbol):,f}", "all kinds together"),
        _tile("Transactions", f"{completed:,}", "completed, all assets", all_transactions),
        _tile("Refused", f"{refused:,}", share, failed),
    ]


def _fees(hours: list[figures.Hour] | None, symbol: str) -> dict[str, str]:
    """Return what companies paid, less what they got back: of the day, and in all."""
    title, in_all_minor = f"Fees, {symbol}", figures.books().fees_minor
    in_all = (
        "in all too many to add up"
        if in_all_minor is None
        else f"{to_decimal(in_all_minor.get(symbol, 0), symbol):,f} in all"
    )
    if hours is None:
        return _tile(title, TOO_SLOW, in_all)
    minor = sum(
        hour.volumes[symbol, Kind.FEE] - hour.volumes[symbol, Kind.FEE_RETURN] for hour in hours
    )
    return _tile(title, f"{to_decimal(minor, symbol):,f}", in_all)


def _held(symbol: str) -> dict[str, str]:
    """Return what is held at the moment."""
    title, held = f"Held now, {symbol}", figures.held()
    if held is None:
        return _tile(title, TOO_SLOW, "to add up on this page")
    of_asset = held.get(symbol, figures.Held(0, 0))
    noun = "hold" if of_asset.holds == 1 else "holds"
    caption = f"{of_asset.holds:,} active {noun}"
    return _tile(title, f"{to_decimal(of_asset.amount_minor, symbol):,f}", caption)


def _sign_ups() -> dict[str, str]:
    counted = figures.sign_ups()
    caption = ", ".join(f"{number:,} as {role}" for role, number in counted.items())
    url = page_url("accounts_user_changelist")
    return _tile("Sign-ups", f"{sum(counted.values()):,}", caption, url)


def _approvals(operator: User) -> dict[str, str]:
    waiting = adjustment_records.waiting().count()
    for_you = adjustment_records.to_decide(operator).count()
    caption = f"wait, {for_you:,} of them for you"
    return _tile("Approvals", f"{waiting:,}", caption, APPROVALS.url)


def _volume_chart(hours: list[figures.Hour], symbol: str) -> str:
    """Return the amounts per hour and kind as JSON: decimal strings, never floats."""
    datasets = [
        {
            "label": kind.label,
            "backgroundColor": rules.colour,
            "data": [plain(to_decimal(hour.volumes[symbol, kind], symbol)) for hour in hours],
        }
        for kind, rules in RULES.items()
        if rules.moves and any(hour.volumes[symbol, kind] for hour in hours)
    ]
    return _chart(hours, datasets)


def _refusal_chart(hours: list[figures.Hour]) -> str:
    datasets = [
        {
            "label": code.label,
            "backgroundColor": colour,
            "data": [hour.refusals[code] for hour in hours],
        }
        for code, colour in REFUSAL_COLOURS.items()
        if any(hour.refusals[code] for hour in hours)
    ]
    return _chart(hours, datasets)


def _chart(hours: list[figures.Hour], datasets: list[dict[str, Any]]) -> str:
    """Return the chart's data; "" when there is nothing to draw."""
    if not datasets:
        return ""
    return json.dumps({"labels": [f"{hour.start:%H}:00" for hour in hours], "datasets": datasets})


def _merchants(symbol: str) -> Table | None:
    merchants = figures.merchants(symbol)
    if merchants is None:
        return None
    rows = [
        [
            link(merchant.name, "accounts_user_change", merchant.company_id),
            f"{merchant.charges:,}",
            amount_text(merchant.amount_minor, symbol),
        ]
        for merchant in merchants
    ]
    return Table("", ("company", "charges", "taken"), rows)


def _queue() -> dict[str, Any] | None:
    status = figures.queue()
    if status is None:
        return None
    oldest = status["oldestQueuedSeconds"]
    rows = [
        ("Processor", str(status["state"]).replace("_", " ")),
        ("Waiting", f"{status['queued']:,}"),
        ("Oldest", "none" if oldest is None else f"{oldest:,.0f} s"),
        ("Failed, or tried again later", f"{status['failed']:,}"),
        ("Completed so far", f"{status['completed']:,}"),
    ]
    return {"rows": rows, "is_stopped": status["state"] == "stopped"}
