"""Charges: what a company takes from a payer's wallet, and refunds of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import User
from commerce.models import Charge
from commerce.movements import Movement, Proposal, move
from core.errors import InvalidInput, NotFound, Refusal, StateConflict
from core.money import AmountNotPositive
from ledger.errors import REFUSAL_OF_FAILURE
from ledger.kinds import Kind
from ledger.models import Transaction
from ledger.post import Order, Outcome, post
from wallets.assets import amount_minor, to_decimal
from wallets.errors import CurrencyMismatch, SameWallet, WalletNotFound
from wallets.models import Wallet
from wallets.references import company_wallet_ref, counterparty_ref, wallet_ref


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
    """A completed refund, and what of its charge has gone back in all."""

    movement: Movement
    refunded_minor: int


def propose_charge(
    company: User, *, wallet_id: uuid.UUID, amount: str, summary: str = "", unchecked: bool = False
) -> Proposal:
    """Propose to take money from a payer's wallet, known by its token, into the company's own.

    `unchecked`: see `wallets.references.counterparty_ref`. Raises `NoWallet`, `WalletNotFound`,
    `InvalidInput`, `AmountNotPositive`.
    """
    target = company_wallet_ref(company)
    source = counterparty_ref(wallet_id, target, unchecked=unchecked)
    return Proposal(
        kind=Kind.CHARGE,
        source=source,
        target=target,
        amount_minor=amount_minor(amount, source.asset_id),
        actor=company,
        summary=summary,
    )


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


def charge_many(company: User, items: Sequence[ChargeItem]) -> tuple[list[ChargeResult], Wallet]:
    """Carry out a batch of charges, each for itself, in order; return them and the wallet after.

    Requires a unit of work. Raises `NoWallet`; what is wrong with one item is its own result.
    """
    target = company_wallet_ref(company)
    payers = Wallet.objects.filter(owner_id__isnull=False).in_bulk(
        {item.wallet_id for item in items}
    )
    checked = [_check_charge(item, payers.get(item.wallet_id), target) for item in items]
    orders = [
        Order(
            Kind.CHARGE,
            item.wallet_id,
            target.id,
            found,
            summary=item.summary,
            actor_id=company.pk,
            asset_id=target.asset_id,
        )
        for item, found in zip(items, checked, strict=True)
        if isinstance(found, int)
    ]
    outcomes = iter(post(orders) if orders else ())
    results = [
        ChargeResult(item, None, found)
        if isinstance(found, Refusal)
        else _result(item, next(outcomes))
        for item, found in zip(items, checked, strict=True)
    ]
    target.refresh_from_db(fields=["balance_minor"])
    return results, target


def _check_charge(item: ChargeItem, payer: Wallet | None, target: Wallet) -> int | Refusal:
    """Return the amount in minor units, or why this charge cannot even be tried."""
    if payer is None:
        return WalletNotFound()
    if payer.id == target.id:
        return SameWallet()
    if payer.asset_id != target.asset_id:
        return CurrencyMismatch()
    try:
        return amount_minor(item.amount, payer.asset_id)
    except (InvalidInput, AmountNotPositive) as refusal:
        return refusal


def _result(item: ChargeItem, outcome: Outcome) -> ChargeResult:
    if outcome.failure is None:
        return ChargeResult(item, outcome.transaction_id, None)
    return ChargeResult(item, outcome.transaction_id, REFUSAL_OF_FAILURE[outcome.failure]())


def refund(
    company: User, *, transaction_id: uuid.UUID, amount: str | None = None, summary: str = ""
) -> Refund:
    """Give a charge back to its payer: all that is left of it, or a part.

    Requires a unit of work. Raises `ChargeNotFound`, `ChargeFailed`, `RefundExceedsCharge`,
    `InvalidInput`, `AmountNotPositive` and what `move` does.
    """
    transaction, source = _own_charge(company, transaction_id)
    given_minor = None if amount is None else amount_minor(amount, transaction.asset_id)
    counted = _lock(transaction)
    left_minor = counted.amount_minor - counted.refunded_minor
    refund_minor = left_minor if given_minor is None else given_minor
    if left_minor == 0 or refund_minor > left_minor:
        raise RefundExceedsCharge(left=to_decimal(left_minor, transaction.asset_id))
    movement = move(
        Proposal(
            kind=Kind.REFUND,
            source=source,
            target=wallet_ref(transaction.source_id),
            amount_minor=refund_minor,
            actor=company,
            summary=summary,
            origin=transaction,
        )
    )
    counted.refunded_minor += refund_minor
    counted.save(update_fields=["refunded_minor"])
    return Refund(movement, counted.refunded_minor)


def _own_charge(company: User, transaction_id: uuid.UUID) -> tuple[Transaction, Wallet]:
    """Return the company's completed charge and the wallet that it went into."""
    found = Transaction.objects.filter(id=transaction_id, kind=Kind.CHARGE).first()
    if found is None:
        raise ChargeNotFound
    wallet = Wallet.objects.filter(id=found.target_id, owner_id=company.pk).first()
    if wallet is None:
        raise ChargeNotFound
    if not found.is_completed:
        raise ChargeFailed
    return found, wallet


def _lock(transaction: Transaction) -> Charge:
    """Return the row that counts the charge's refunds, locked. Its first refund makes it."""
    Charge.objects.bulk_create(
        [Charge(transaction_id=transaction.id, amount_minor=transaction.amount_minor)],
        ignore_conflicts=True,
    )
    return Charge.objects.select_for_update(no_key=True).get(pk=transaction.id)
