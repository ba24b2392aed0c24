"""The short way through the one door: a single order, its key and its answer in one trip.

It takes what succeeds. What would fail is left to the long way (`core.idempotency.answer_once`
around `post`), which decides anew and puts the attempt on record.
"""

import time
from dataclasses import dataclass

from psycopg.types.numeric import Int8

from core import context, metrics
from core.idempotency import Answer, Claim, answer_of, kept_since
from core.unit_of_work import execute_autocommitted
from ledger.post import COMPLETED, Order


@dataclass(frozen=True, slots=True)
class ResponseTemplate:
    """What is answered: a body with `%1$s` for a balance, `%2$s` for the transaction's id.

    The balance is the source's or the target's after the movement, with `decimals` digits after
    the point.
    """

    body: str
    of_source: bool
    decimals: int


def post_once(
    order: Order, told: ResponseTemplate, claim: Claim | None, *, token_digest: str | None = None
) -> Answer | None:
    """Carry the order out and return the answer, or None: then nothing is written.

    None when the order would fail, and when it cannot be tried: there is no such wallet of anybody,
    or the two hold different assets. With `token_digest` also when the actor's token is not valid.
    With a claim it happens at most once per key: a repeat returns the first answer, and the answer
    and the money commit together. Must not run inside a unit of work: it is one. The wallets must
    differ, and the end that is told must be the actor's.

    Raises `IdempotencyKeyReused`, and what `core.unit_of_work.execute_autocommitted` does.
    """
    started = time.perf_counter()
    row = execute_autocommitted(
        "SELECT * FROM ledger_post_once("
        "%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [
            token_digest,
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
            context.request_id.get(),
            told.body,
            told.of_source,
            told.decimals,
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
