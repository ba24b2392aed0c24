"""Holds, captures, and charges of which a fee and a split are taken, over HTTP."""

import uuid
from collections.abc import Sequence
from decimal import Decimal

from accounts.models import Role
from bench import wrk
from bench.actors import Actors, callers, empty_wallets, for_wrk
from bench.calls import Service
from bench.rows import InvalidRun, Row, Sample
from core.unit_of_work import unit_of_work
from harness.actors import Actor
from ledger.kinds import Denial, Kind
from ledger.orders import Order
from ledger.post import post, post_or_deny
from wallets.assets import DEFAULT_CURRENCY, system_wallet_id
from wallets.models import Fee, Purpose

#: More than any machine captures.
CAPTURES_PER_SECOND = 5_000
_LIFE_SECONDS = 86_400
#: In each holder's wallet: enough to be held, and too little to be taken for a payer.
_BALANCE_MINOR = 10**6
_BATCH = 1_000


def rows(service: Service, actors: Actors, *, measurements: int) -> list[Row]:
    """Return the hold, the capture of all that is held, and the charge with a fee and one split.

    Who holds and is held from are others than who charge: a wallet with holds is charged more
    slowly. The holds suffice for so many measurements: each is captured once.
    """
    holders = _holders(len(actors.payers))
    place = wrk.write_data(
        service.data.with_name("holders.lua"),
        {"payers": [str(holder) for holder in holders], "companies": for_wrk(actors.companies)},
    )
    with_fee = wrk.write_data(
        service.data.with_name("splits.lua"),
        {
            "payers": [str(payer) for payer in actors.payers],
            "companies": for_wrk(_companies_with_fee(len(actors.companies))),
            "clients": for_wrk(actors.clients),
        },
    )
    captures = service.data.with_name("captures.lua")
    at_once = round(service.seconds * CAPTURES_PER_SECOND)
    held = _holds(holders, actors.companies, count=measurements * at_once)

    def capture() -> Sample:
        holds = [held.pop() for _ in range(at_once)]
        wrk.write_data(captures, {"holds": holds})
        return service.measure("capture", captures)

    return [
        Row(
            "http.hold",
            "POST /holds, random merchants",
            lambda: service.measure("hold", place),
        ),
        Row("http.capture", "POST /holds/…/capture of all, random merchants", capture),
        Row(
            "http.split",
            "POST /wallet/charge with a fee and one split",
            lambda: service.measure("split", with_fee),
        ),
    ]


def _holders(count: int) -> list[uuid.UUID]:
    """Make as many clients' wallets with money; return them."""
    wallets = empty_wallets(Role.CLIENT, count)
    funding = system_wallet_id(DEFAULT_CURRENCY, Purpose.FUNDING)
    for first in range(0, count, _BATCH):
        orders = [
            Order(Kind.DEPOSIT, funding, wallet, _BALANCE_MINOR, DEFAULT_CURRENCY)
            for wallet in wallets[first : first + _BATCH]
        ]
        unit_of_work(lambda: post(orders))  # noqa: B023 (runs immediately)
    return wallets


def _companies_with_fee(count: int) -> list[Actor]:
    """Make as many, each of which pays 1.4 percent and a cent for each charge."""
    companies = callers(Role.COMPANY, count, "0.00")
    fees = [
        Fee(wallet_id=company.wallet, percent=Decimal("1.4"), fixed_minor=1)
        for company in companies
    ]
    unit_of_work(lambda: Fee.objects.bulk_create(fees))
    return companies


def _holds(
    holders: Sequence[uuid.UUID], companies: Sequence[Actor], count: int
) -> list[dict[str, str]]:
    """Make as many holds of one cent each; return their ids and their companies' tokens.

    They are spread evenly over the holders, each of which may have 200. Raises `InvalidRun` when
    one is refused.
    """
    held: list[dict[str, str]] = []
    for first in range(0, count, _BATCH):
        orders = []
        for number in range(first, min(first + _BATCH, count)):
            # So that a holder's holds are not all of one company.
            company = companies[(number + number // len(holders)) % len(companies)]
            hold_id = uuid.uuid4()
            orders.append(
                Order(
                    Kind.HOLD,
                    holders[number % len(holders)],
                    company.wallet,
                    1,
                    DEFAULT_CURRENCY,
                    summary="Order 1017",
                    actor_id=company.id,
                    hold_id=hold_id,
                    hold_seconds=_LIFE_SECONDS,
                )
            )
            held.append({"id": str(hold_id), "token": company.token})
        for result in unit_of_work(lambda: post_or_deny(orders)):  # noqa: B023 (runs immediately)
            if isinstance(result, Denial) or result.failure:
                raise InvalidRun(f"A hold to be captured was refused: {result}.")
    return held
