"""Intake: transactions that are accepted now and run later. Accepted means committed."""

import uuid
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings

from accounts.errors import CustomerNotFound
from accounts.models import Role, User
from commerce.movements import check_wallets
from core import context
from core.connections.bulk import bulk_cursor
from core.errors import InvalidInput, PermissionDenied
from core.money import AmountNotPositive
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import RULES, Kind
from ledger.orders import Order
from wallets.assets import DEFAULT_CURRENCY, amount_minor, is_system_wallet
from wallets.errors import CurrencyMismatch, WalletNotFound
from wallets.references import wallet_ref


class StaffQueueNothing(PermissionDenied):
    message = "Staff queue nothing for others: what they move, they move at once."


class Item(NamedTuple):
    """What somebody wants to be run: `value` is a plain decimal of the default currency.

    Without `customer_id` it is the caller's own money. `target_id` is a wallet's token or address;
    without it the money goes to revenue.
    """

    value: str
    latency_ms: int = 1
    customer_id: uuid.UUID | None = None
    target_id: uuid.UUID | None = None
    summary: str = ""


class _Row(NamedTuple):
    customer_id: uuid.UUID
    kind: Kind
    asset_id: str
    amount_minor: int
    latency_ms: int
    source_id: uuid.UUID | None
    target_id: uuid.UUID | None
    summary: str


@requires_unit_of_work
def accept(caller: User, items: Sequence[Item], *, is_array: bool) -> list[uuid.UUID]:
    """Put the items into the queue, all or none, and return their ids in the same order.

    A refusal names the `index` of the item that is to blame; a field is
    named with its item's place if they came as an array, be it of one. Raises
    `InvalidInput`, `AmountNotPositive`, `PermissionDenied` (somebody else's money; whatever staff
    send), `CustomerNotFound`, `WalletNotFound` and `CurrencyMismatch` (the target).
    """
    _refuse_staff(caller)
    customers = [
        _customer_of(caller, item, place, is_array=is_array) for place, item in enumerate(items)
    ]
    _check_customers(caller, customers)
    targets = _target_ids(items)
    return _enqueue(
        caller,
        [
            _Row(
                customer,
                Kind.SPEND if item.target_id is None else Kind.TRANSFER,
                DEFAULT_CURRENCY,
                _value_minor(item, place, is_array=is_array),
                item.latency_ms,
                None,
                targets.get(item.target_id) if item.target_id else None,
                item.summary,
            )
            for place, (item, customer) in enumerate(zip(items, customers, strict=True))
        ],
        max_attempts=settings.MAX_ATTEMPTS,
    )


@requires_unit_of_work
def queue_order(caller: User, order: Order) -> uuid.UUID:
    """Queue what the caller ordered and return its id in the queue; it is tried once.

    It is the money of the source's owner, whoever ordered it. Raises `PermissionDenied` for staff,
    and `WalletNotFound` and `CurrencyMismatch`, as it would when carried out immediately.
    """
    _refuse_staff(caller)
    if not RULES[order.kind].is_queueable:
        raise ValueError(f"The queue takes no {order.kind}.")
    check_wallets(order)
    is_out = is_system_wallet(order.target_id, order.asset_id)
    row = _Row(
        wallet_ref(order.source_id).owner_id,
        order.kind,
        order.asset_id,
        order.amount_minor,
        1,
        order.source_id,
        None if is_out else order.target_id,
        order.summary,
    )
    [queued] = _enqueue(caller, [row], max_attempts=1)
    return queued


def _refuse_staff(caller: User) -> None:
    if caller.is_staff:
        raise StaffQueueNothing


def _field(name: str, place: int, *, is_array: bool) -> str:
    return f"[{place}].{name}" if is_array else name


def _value_minor(item: Item, place: int, *, is_array: bool) -> int:
    field = _field("value", place, is_array=is_array)
    try:
        return amount_minor(item.value, DEFAULT_CURRENCY, field=field)
    except AmountNotPositive:
        raise AmountNotPositive(index=place) from None


def _customer_of(caller: User, item: Item, place: int, *, is_array: bool) -> uuid.UUID:
    if caller.role == Role.OPERATOR:
        if item.customer_id is None:
            field = _field("customer", place, is_array=is_array)
            raise InvalidInput({field: ["Operators name a customer."]})
        return item.customer_id
    if item.customer_id not in (None, caller.pk):
        raise PermissionDenied(index=place)
    return caller.pk


def _check_customers(caller: User, customers: Sequence[uuid.UUID]) -> None:
    if caller.role != Role.OPERATOR:
        return
    with bulk_cursor() as cursor:
        cursor.execute(
            "SELECT id FROM accounts_user WHERE id = ANY (%b::uuid[]) AND is_active AND role <> %s",
            [list(set(customers)), Role.OPERATOR.value],
        )
        known = {user_id for (user_id,) in cursor.fetchall()}
    unknown = next((place for place, each in enumerate(customers) if each not in known), None)
    if unknown is not None:
        raise CustomerNotFound(index=unknown)


def _target_ids(items: Sequence[Item]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the wallets that the items name as targets, each by the name that it was given."""
    named = {item.target_id for item in items if item.target_id is not None}
    if not named:
        return {}
    with bulk_cursor() as cursor:
        cursor.execute(
            "SELECT id, address, asset_id FROM wallets_wallet"
            " WHERE (id = ANY (%b::uuid[]) OR address = ANY (%b::uuid[])) AND owner_id IS NOT NULL",
            [list(named), list(named)],
        )
        found = cursor.fetchall()
    wallets = {address: (token, asset) for token, address, asset in found}
    wallets |= {token: (token, asset) for token, _, asset in found}
    for place, item in enumerate(items):
        if item.target_id is None:
            continue
        if item.target_id not in wallets:
            raise WalletNotFound(index=place)
        if wallets[item.target_id][1] != DEFAULT_CURRENCY:
            raise CurrencyMismatch(index=place)
    return {name: token for name, (token, _) in wallets.items()}


# The ids are made first, so that the answer can name them in the order of the input.
_ENQUEUE = """
    WITH input AS MATERIALIZED (
        SELECT uuidv7() AS id, i.*
          FROM unnest(%b::uuid[], %b::varchar[], %b::varchar[], %b::bigint[], %b::int[],
                      %b::uuid[], %b::uuid[], %b::varchar[])
               WITH ORDINALITY AS i (customer_id, kind, asset_id, amount_minor, latency_ms,
                                     source_id, target_id, summary, place)
         ORDER BY i.place
    ), queued AS (
        INSERT INTO intake_queuedtransaction (
            id, caller_id, customer_id, kind, asset_id, amount_minor, latency_ms, source_id,
            target_id, summary, request_id, status, is_failed, attempts, max_attempts,
            created_at, updated_at)
        SELECT id, %s, customer_id, kind, asset_id, amount_minor, latency_ms, source_id,
               target_id, summary, %s, 'pending', false, 0, %s, now(), now()
          FROM input
    )
    SELECT id FROM input ORDER BY place
"""


def _enqueue(caller: User, rows: Sequence[_Row], *, max_attempts: int) -> list[uuid.UUID]:
    with bulk_cursor() as cursor:
        cursor.execute(
            _ENQUEUE,
            [
                [row.customer_id for row in rows],
                [str(row.kind) for row in rows],
                [row.asset_id for row in rows],
                [row.amount_minor for row in rows],
                [row.latency_ms for row in rows],
                [row.source_id for row in rows],
                [row.target_id for row in rows],
                [row.summary for row in rows],
                caller.pk,
                context.request_id.get(),
                max_attempts,
            ],
        )
        return [queued for (queued,) in cursor.fetchall()]
