"""The fast way beside `post`: an order or a group, its key and its answer in one trip (ADR 15).

It takes what succeeds. What would fail is left to the plain way (`core.idempotency.answer_once`
around `post`), which decides anew and puts the attempt on record. Nothing depends on this module:
without it every call goes the plain way.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from psycopg.types.json import Jsonb
from psycopg.types.numeric import Int8

from core import context, metrics
from core.idempotency import Answer, Claim, answer_of, kept_since
from core.unit_of_work import execute_autocommitted
from ledger.orders import Order
from ledger.post import completed_sums


@dataclass(frozen=True, slots=True)
class AnswerTemplate:
    """The answer to a movement, before anybody knows what it will be.

    `body` has places for it, as `ledger/sql/post_once.sql` lists them; a `%` of its own is doubled.
    Amounts have `decimals` digits after the point. With `shows_wallets` there are four more places:
    who may charge the source, its label as a JSON string, and both of the target.
    """

    body: str
    decimals: int
    status_code: int = 200
    shows_wallets: bool = False


#: What an order has only sometimes, in the order of `ledger_order_v3`.
_OPTIONAL = attrgetter(
    "actor_id",
    "origin_id",
    "group_id",
    "paytoken_id",
    "payment_request_id",
    "hold_id",
    "hold_seconds",
    "is_final",
    "reference",
    "metadata",
)


@cache
def _statement(function: str, given: tuple[tuple[bool, ...], ...], more: int) -> str:
    """Return the call for orders of which these columns are given; the others are NULL."""
    rows = ", ".join(
        f"ROW(%s, %s, %s, %s, %s, {', '.join('%s' if each else 'NULL' for each in columns)})"
        for columns in given
    )
    orders = f"ARRAY[{rows}]::ledger_order_v3[]"
    return (
        f"SELECT * FROM {function}("  # noqa: S608
        f"%s, %s, %s, %s, %s, %s, {orders}, %s, %s, %s, %s, %s{', %s' * more})"
    )


def post_once(
    order: Order,
    template: AnswerTemplate,
    claim: Claim | None,
    *,
    unverified_digest: str | None = None,
    function: str = "ledger_post_once",
    more_values: Sequence[Any] = (),
) -> Answer | None:
    """Carry out an order and its splits, and return the answer, or None: then nothing is written.

    None when an order would fail, and when it cannot be tried: there is no such wallet, or the two
    hold different assets. With `unverified_digest` (of the actor's token) also when that token
    is not valid. With a claim it happens at most once per key: a repeat returns the first answer,
    and the answer and the money commit together. The order's actor is the caller whose token and
    key these are. Must not run inside a unit of work: it is one. The wallets must differ.
    `function` is another SQL function, which takes `more_values` besides.

    Raises `IdempotencyKeyReused`, and what `core.unit_of_work.execute_autocommitted` does.
    """
    started = time.perf_counter()
    values: list[Any] = []
    given: list[tuple[bool, ...]] = []
    for each in order.group:
        optional = _OPTIONAL(each)
        given.append(tuple([value is not None for value in optional]))
        values += (
            str(each.kind),
            each.source_id,
            each.target_id,
            Int8(each.amount_minor),
            each.summary,
            *(
                Jsonb(value) if isinstance(value, dict) else value
                for value in optional
                if value is not None
            ),
        )
    row = execute_autocommitted(
        _statement(function, tuple(given), len(more_values)),
        [
            unverified_digest,
            order.actor_id,
            claim and claim.key,
            claim and claim.operation,
            claim and claim.fingerprint.current,
            kept_since(),
            *values,
            context.request_id.get(),
            template.body,
            template.status_code,
            template.decimals,
            template.shows_wallets,
            *more_values,
        ],
    )
    if row is None:
        return None
    metrics.POST_SECONDS.observe(time.perf_counter() - started)
    *answered, replayed, amount_minor, fee_minor = row
    if claim is not None and replayed:
        return answer_of(claim, *answered)
    metrics.count_transactions(completed_sums(order, amount_minor, fee_minor))
    _, status_code, body, transaction_id = answered
    return Answer(status_code, bytes(body), transaction_id)
