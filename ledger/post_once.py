"""The fast way beside `post`: a single order, its key and its answer in one trip (ADR 15).

It takes what succeeds. What would fail is left to the plain way (`core.idempotency.answer_once`
around `post`), which decides anew and puts the attempt on record. Nothing depends on this module:
without it every call goes the plain way.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.numeric import Int8

from core import context, metrics
from core.idempotency import Answer, Claim, answer_of, kept_since
from core.unit_of_work import execute_autocommitted
from ledger.orders import Order
from ledger.post import COMPLETED


@dataclass(frozen=True, slots=True)
class AnswerTemplate:
    """The answer to a movement, before anybody knows what it will be.

    In `body`, `%1$s` stands for the source's balance after the movement, `%2$s` for the target's,
    `%3$s` for the transaction's id and `%4$s` for its time; a `%` of its own is doubled. Balances
    have `decimals` digits after the point. With `shows_wallets` there are four more places: who may
    charge the source, its label as a JSON string, and both of the target.
    """

    body: str
    decimals: int
    shows_wallets: bool = False


#: The arguments of `ledger_post_once`, for SQL functions that do more than it does.
ARGUMENTS = """
    %s, %s, %s, %s, %s, %s,
    ROW(%s, %s, %s, %s, %s, %s, NULL, NULL, %s, %s)::ledger_order_v2, %s, %s, %s, %s
"""
_POST_ONCE = f"SELECT * FROM ledger_post_once({ARGUMENTS})"  # noqa: S608


def post_once(
    order: Order,
    template: AnswerTemplate,
    claim: Claim | None,
    *,
    unverified_digest: str | None = None,
    statement: str = _POST_ONCE,
    more_values: Sequence[Any] = (),
) -> Answer | None:
    """Carry the order out and return the answer, or None: then nothing is written.

    None when the order would fail, and when it cannot be tried: there is no such wallet, or the
    two hold different assets. With `unverified_digest` (of the actor's token) also when that token
    is not valid. With a claim it happens at most once per key: a repeat returns the first answer,
    and the answer and the money commit together. The order's actor is the caller whose token and
    key these are. Must not run inside a unit of work: it is one. The wallets must differ.
    `statement` calls another SQL function, with `more_values` after `ARGUMENTS`.

    Raises `IdempotencyKeyReused`, and what `core.unit_of_work.execute_autocommitted` does.
    """
    started = time.perf_counter()
    row = execute_autocommitted(
        statement,
        [
            unverified_digest,
            order.actor_id,
            claim and claim.key,
            claim and claim.operation,
            claim and claim.fingerprint.current,
            kept_since(),
            str(order.kind),
            order.source_id,
            order.target_id,
            Int8(order.amount_minor),
            order.summary,
            order.actor_id,
            order.paytoken_id,
            order.payment_request_id,
            context.request_id.get(),
            template.body,
            template.decimals,
            template.shows_wallets,
            *more_values,
        ],
    )
    if row is None:
        return None
    metrics.POST_SECONDS.observe(time.perf_counter() - started)
    *answered, replayed = row
    if claim is not None and replayed:
        return answer_of(claim, *answered)
    counted = (str(order.kind), order.asset_id, COMPLETED)
    metrics.count_transactions({counted: (1, order.amount_minor)})
    _, status_code, body, transaction_id = answered
    return Answer(status_code, bytes(body), transaction_id)
