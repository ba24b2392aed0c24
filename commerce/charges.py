"""Charges: what a company takes from a payer's wallet, and refunds of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from accounts.models import User
from commerce.models import Charge
from commerce.movements import move, refuse_same_or_system_wallet
from core.errors import InvalidInput, NotFound, Refusal, StateConflict
from core.money import AmountNotPositive
from core.unit_of_work import requires_unit_of_work
from ledger.errors import REFUSAL_OF_FAILURE
from ledger.kinds import Kind
from ledger.models import Transaction
from ledger.orders import Order, Outcome
from ledger.post import post
from wallets.assets import amount_minor, to_decimal
from wallets.errors import CurrencyMismatch, SameWallet, WalletNotFound
from wallets.models import Wallet
from wallets.references import WalletRef, company_wallet_ref, wallet_ref


class ChargeNotFound(NotFound):
    message = "There is no such charge of this company."


class ChargeFailed(StateConflict):
    code = "charge_not_completed"
    message = "This charge failed: there is nothing to give back."


class RefundExceedsCharge(StateConflict):
    code = "refund_exceeds_charge"
    message = "The refunds would exceed the charge."


@dataclass(frozen=True, slots=True)
class Refund:
    """A completed refund, and what of its charge has gone back in all, in minor units."""

    order: Order
    outcome: Outcome
    refunded_minor: int


def order_charge(company: User, *, wallet_id: uuid.UUID, amount: str, summary: str = "") -> Order:
    """Order money taken from a payer's wallet, known by its token, into the company's own.

    `amount` is a plain decimal of the company's currency. Raises `NoWallet`, `InvalidInput`,
    `AmountNotPositive`, and what `refuse_same_or_system_wallet` does.
    """
    target = company_wallet_ref(company)
    return refuse_same_or_system_wallet(_charge_order(company, wallet_id, target, amount, summary))


@dataclass(frozen=True, slots=True)
class ChargeItem:
    """One charge of a batch. `amount` is a plain decimal; `reference` is the company's own."""

    wallet_id: uuid.UUID
    amount: str
    summary: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """What became of one: its transaction, if it was tried, and the refusal, if it was refused."""

    item: ChargeItem
    transaction_id: uuid.UUID | None
    refusal: Refusal | None


@requires_unit_of_work
def charge_many(
    company: User, items: Sequence[ChargeItem]
) -> tuple[list[ChargeResult], Decimal | None]:
    """Carry out a batch of charges, each for itself, in order.

    Returns what became of each, and the balance of the company's wallet after them. Raises
    `NoWallet`; what is wrong with one item is its own result.
    """
    target = company_wallet_ref(company)
    assets = _assets_of({item.wallet_id for item in items})
    checked = [_check_charge(company, item, assets, target) for item in items]
    outcomes = iter(post([each for each in checked if isinstance(each, Order)]))
    results = [
        _result(item, next(outcomes)) if isinstance(each, Order) else ChargeResult(item, None, each)
        for item, each in zip(items, checked, strict=True)
    ]
    balance_minor = Wallet.objects.values_list("balance_minor", flat=True).get(pk=target.id)
    return results, to_decimal(balance_minor, target.asset_id)


def _charge_order(
    company: User, payer_id: uuid.UUID, target: WalletRef, amount: str, summary: str
) -> Order:
    return Order(
        Kind.CHARGE,
        payer_id,
        target.id,
        amount_minor(amount, target.asset_id),
        target.asset_id,
        summary=summary,
        actor_id=company.pk,
    )


def _assets_of(wallet_ids: set[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return what those of the wallets hold that exist and that somebody owns."""
    owned = Wallet.objects.filter(pk__in=wallet_ids, owner_id__isnull=False)
    return dict(owned.values_list("pk", "asset_id"))


def _check_charge(
    company: User, item: ChargeItem, assets: dict[uuid.UUID, str], target: WalletRef
) -> Order | Refusal:
    """Return the order, or why this charge cannot even be tried."""
    if item.wallet_id not in assets:
        return WalletNotFound()
    if item.wallet_id == target.id:
        return SameWallet()
    if assets[item.wallet_id] != target.asset_id:
        return CurrencyMismatch()
    try:
        return _charge_order(company, item.wallet_id, target, item.amount, item.summary)
    except (InvalidInput, AmountNotPositive) as refusal:
        return refusal


def _result(item: ChargeItem, outcome: Outcome) -> ChargeResult:
    if outcome.failure is None:
        return ChargeResult(item, outcome.transaction_id, None)
    return ChargeResult(item, outcome.transaction_id, REFUSAL_OF_FAILURE[outcome.failure]())


@requires_unit_of_work
def refund(
    company: User, *, transaction_id: uuid.UUID, amount: str | None = None, summary: str = ""
) -> Refund:
    """Give a charge back to its payer: all that is left of it, or a part.

    Raises `ChargeNotFound`, `ChargeFailed`, `RefundExceedsCharge`, `InvalidInput`,
    `AmountNotPositive` and what `move` does.
    """
    charge = _own_charge(company, transaction_id)
    given_minor = None if amount is None else amount_minor(amount, charge.asset_id)
    counted = _lock(charge)
    left_minor = counted.amount_minor - counted.refunded_minor
    refund_minor = left_minor if given_minor is None else given_minor
    if left_minor == 0 or refund_minor > left_minor:
        raise RefundExceedsCharge(left=to_decimal(left_minor, charge.asset_id))
    order = Order(
        Kind.REFUND,
        charge.target_id,
        charge.source_id,
        refund_minor,
        charge.asset_id,
        summary=summary,
        actor_id=company.pk,
        origin_id=charge.id,
    )
    outcome = move(order, company)
    counted.refunded_minor += refund_minor
    counted.save(update_fields=["refunded_minor"])
    return Refund(order, outcome, counted.refunded_minor)


def _own_charge(company: User, transaction_id: uuid.UUID) -> Transaction:
    """Return the company's completed charge."""
    found = Transaction.objects.filter(id=transaction_id, kind=Kind.CHARGE).first()
    if found is None or wallet_ref(found.target_id).owner_id != company.pk:
        raise ChargeNotFound
    if not found.is_completed:
        raise ChargeFailed
    return found


def _lock(transaction: Transaction) -> Charge:
    """Return the row that counts the charge's refunds, locked. Its first refund makes it."""
    Charge.objects.bulk_create(
        [Charge(transaction_id=transaction.id, amount_minor=transaction.amount_minor)],
        ignore_conflicts=True,
    )
    return Charge.objects.select_for_update(no_key=True).get(pk=transaction.id)
