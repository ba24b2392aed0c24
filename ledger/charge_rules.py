"""What pay tokens allow, asked before money is tried; `ledger_post` asks again under its lock.

The rules are in `ledger/sql/charge_rules.sql`. An approval is looked at under the lock alone.
"""

import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple

from psycopg.types.numeric import Int8

from core.connections.bulk import bulk_cursor
from core.connections.prepared import prepared_cursor
from core.derived_secrets import digest_of
from core.errors import Refusal
from ledger.dry_runs import counted
from ledger.errors import REFUSAL_OF_DENIAL
from ledger.kinds import Denial
from wallets.assets import to_decimal
from wallets.errors import PayTokenExceeded, PayTokenNotFound

_ONE = """
    SELECT id, wallet_id, max_amount_minor, paytoken_refusal(id, wallet_id, %s, %s)
      FROM wallets_paytoken WHERE digest = %s
"""
_MANY = """
    SELECT t.id, t.wallet_id, t.max_amount_minor,
           CASE WHEN t.id IS NOT NULL
                THEN paytoken_refusal(t.id, t.wallet_id, %s, c.amount_minor) END
      FROM unnest(%b::bytea[], %b::bigint[]) WITH ORDINALITY AS c (digest, amount_minor, place)
      LEFT JOIN wallets_paytoken t ON t.digest = c.digest
     ORDER BY c.place
"""


class Payer(NamedTuple):
    """The wallet that a charge takes from, and the pay token by which it is known, if any."""

    wallet_id: uuid.UUID
    paytoken_id: uuid.UUID | None = None


def payer_by_paytoken(
    paytoken: str, *, company_id: uuid.UUID, charged_minor: int, asset: str
) -> Payer:
    """Return whose pay token it is, if it allows the company this charge.

    `charged_minor` is in minor units of `asset`. Raises `PayTokenNotFound`, `PayTokenOtherCompany`,
    `PayTokenExpired`, `PayTokenUsed` and `PayTokenExceeded`, the first that holds.
    """
    with prepared_cursor() as cursor:
        cursor.execute(_ONE, [company_id, Int8(charged_minor), digest_of(paytoken)])
        row = cursor.fetchone()
    payer = _payer(row, asset)
    if isinstance(payer, Refusal):
        raise payer
    return payer


def payers_by_paytokens(
    charges: Sequence[tuple[str, int]], *, company_id: uuid.UUID, asset: str
) -> list[Payer | Refusal]:
    """Return what `payer_by_paytoken` returns or raises for each pay token and amount, in order."""
    if not charges:
        return []
    digests = [digest_of(paytoken) for paytoken, _ in charges]
    amounts = [charged_minor for _, charged_minor in charges]
    with bulk_cursor() as cursor:
        cursor.execute(_MANY, [company_id, digests, amounts])
        return [_payer(row, asset) for row in cursor.fetchall()]


def _payer(row: tuple[Any, ...] | None, asset: str) -> Payer | Refusal:
    if row is None or row[0] is None:
        return PayTokenNotFound()
    paytoken_id, wallet_id, max_amount_minor, refusal = row
    if refusal is None:
        return Payer(wallet_id, paytoken_id)
    if refusal == Denial.PAYTOKEN_EXCEEDED:
        return counted(PayTokenExceeded(max_amount=to_decimal(max_amount_minor, asset)), wallet_id)
    return counted(REFUSAL_OF_DENIAL[Denial(refusal)](), wallet_id)
