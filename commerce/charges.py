"""Charges: what a company takes from a payer's wallet, and refunds of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from accounts.models import User
from commerce.models import Charge
from commerce.movements import move, move_group, refuse_same_or_system_wallet
from commerce.splits import Split, check_splits, with_splits
from core.dry_run import kept
from core.errors import InvalidInput, NotFound, Refusal, StateConflict
from core.money import AmountNotPositive
from core.unit_of_work import requires_unit_of_work
from ledger.charge_rules import Payer, payer_by_paytoken, payers_by_paytokens
from ledger.errors import REFUSAL_OF_DENIAL, REFUSAL_OF_FAILURE
from ledger.kinds import Denial, Kind
from ledger.models import Transaction
from ledger.orders import Order, Outcome, order_into
from ledger.post import post_or_deny
from wallets.assets import amount_minor, optional_amount_minor, to_decimal
from wallets.errors import CurrencyMismatch, SameWallet, WalletNotFound
from wallets.models import Wallet
from wallets.references import WalletRef, company_wallet_ref, wallet_ref, wallet_refs


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
    """A completed refund, and what of its charge has gone back in all, in minor units.

    `fee_returned_minor` is the part of the fee that came back with this refund.
    """

    order: Order
    outcome: Outcome
    refunded_minor: int
    fee_returned_minor: int


def order_charge(
    company: User,
    *,
    payer: uuid.UUID | str,
    amount: str,
    summary: str = "",
    splits: Sequence[Split] = (),
) -> Order:
    """Order money taken from a payer's wallet into the company's own.

    `payer` is the wallet's token, or the text of a pay token; `amount` is a plain decimal of the
    company's currency. Raises `NoWallet`, `InvalidInput`, `AmountNotPositive`, what
    `payer_by_paytoken` and `refuse_same_or_system_wallet` do, and for the splits what
    `check_splits` and `with_splits` do.
    """
    target = company_wallet_ref(company)
    charged_minor = amount_minor(amount, target.asset_id)
    found = find_payer(company, payer, charged_minor, target)
    order = refuse_same_or_system_wallet(
        _charge_order(company, found, target, charged_minor, summary)
    )
    return with_splits(order, check_splits(splits, target)) if splits else order


def find_payer(company: User, payer: uuid.UUID | str, taken_minor: int, target: WalletRef) -> Payer:
    """Return whose wallet a token or the text of a pay token names.

    Raises what `payer_by_paytoken` does, when the pay token does not allow the amount.
    """
    if not isinstance(payer, str):
        return Payer(payer)
    return payer_by_paytoken(
        payer, company_id=company.pk, charged_minor=taken_minor, asset=target.asset_id
    )


@dataclass(frozen=True, slots=True)
class ChargeItem:
    """One charge of a batch.

    `payer` is a wallet's token, or the text of a pay token; `amount` is a plain decimal;
    `reference` is the company's own.
    """

    payer: uuid.UUID | str
    amount: str
    summary: str
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """What became of one: its transaction, if one is kept, and the refusal, if it was refused.

    `fee` is what the company paid for it, in major units; None when it was refused.
    """

    item: ChargeItem
    transaction_id: uuid.UUID | None
    refusal: Refusal | None
    fee: Decimal | None = None


@requires_unit_of_work
def charge_many(
    company: User, items: Sequence[ChargeItem]
) -> tuple[list[ChargeResult], Decimal | None]:
    """Carry out a batch of charges, each for itself, in order.

    Returns what became of each, and the balance of the company's wallet after them. Raises
    `NoWallet`; what is wrong with one item is its own result.
    """
    target = company_wallet_ref(company)
    checked = _check_charges(company, items, target)
    posted = iter(post_or_deny([each for each in checked if isinstance(each, Order)]))
    results = [
        _result(item, next(posted), target.asset_id)
        if isinstance(each, Order)
        else ChargeResult(item, None, each)
        for item, each in zip(items, checked, strict=True)
    ]
    balance_minor = Wallet.objects.values_list("balance_minor", flat=True).get(pk=target.id)
    return results, to_decimal(balance_minor, target.asset_id)


def _charge_order(
    company: User, payer: Payer, target: WalletRef, charged_minor: int, summary: str
) -> Order:
    return Order(
        Kind.CHARGE,
        payer.wallet_id,
        target.id,
        charged_minor,
        target.asset_id,
        summary=summary,
        actor_id=company.pk,
        paytoken_id=payer.paytoken_id,
    )


def _check_charges(
    company: User, items: Sequence[ChargeItem], target: WalletRef
) -> list[Order | Refusal]:
    """Return each item's order, or why this charge cannot even be tried."""
    amounts = [_amount_of(item, target) for item in items]
    payers = _payers_of(company, items, amounts, target)
    wallets = wallet_refs(each.wallet_id for each in payers if isinstance(each, Payer))

    def check(item: ChargeItem, payer: Payer | Refusal, charged: int | Refusal) -> Order | Refusal:
        if isinstance(payer, Refusal):
            return payer
        if payer.wallet_id not in wallets:
            return WalletNotFound()
        if payer.wallet_id == target.id:
            return SameWallet()
        if wallets[payer.wallet_id].asset_id != target.asset_id:
            return CurrencyMismatch()
        if isinstance(charged, Refusal):
            return charged
        return _charge_order(company, payer, target, charged, item.summary)

    return [check(*each) for each in zip(items, payers, amounts, strict=True)]


def _amount_of(item: ChargeItem, target: WalletRef) -> int | Refusal:
    try:
        return amount_minor(item.amount, target.asset_id)
    except (InvalidInput, AmountNotPositive) as refusal:
        return refusal


def _payers_of(
    company: User, items: Sequence[ChargeItem], amounts: Sequence[int | Refusal], target: WalletRef
) -> list[Payer | Refusal]:
    """Return who pays each item, or why its pay token or the amount to ask it for is refused."""
    by_paytoken = iter(
        payers_by_paytokens(
            [
                (item.payer, charged_minor)
                for item, charged_minor in zip(items, amounts, strict=True)
                if isinstance(item.payer, str) and isinstance(charged_minor, int)
            ],
            company_id=company.pk,
            asset=target.asset_id,
        )
    )

    def payer_of(item: ChargeItem, charged: int | Refusal) -> Payer | Refusal:
        if not isinstance(item.payer, str):
            return Payer(item.payer)
        return next(by_paytoken) if isinstance(charged, int) else charged

    return [payer_of(item, charged) for item, charged in zip(items, amounts, strict=True)]


def _result(item: ChargeItem, result: Outcome | Denial, asset: str) -> ChargeResult:
    if isinstance(result, Denial):
        return ChargeResult(item, None, REFUSAL_OF_DENIAL[result]())
    transaction_id = kept(result.transaction_id)
    if result.failure is None:
        return ChargeResult(item, transaction_id, None, to_decimal(result.fee_minor or 0, asset))
    return ChargeResult(item, transaction_id, REFUSAL_OF_FAILURE[result.failure]())


@requires_unit_of_work
def refund(
    company: User,
    *,
    transaction_id: uuid.UUID,
    amount: str | None = None,
    summary: str = "",
    returns_fee: bool = False,
) -> Refund:
    """Give a charge or a capture back to its payer: all that is left of it, or a part.

    With `returns_fee` the same share of its fee comes back first, in the same group. Raises
    `ChargeNotFound`, `ChargeFailed`, `RefundExceedsCharge`, `InvalidInput`, `AmountNotPositive` and
    what `move` does.
    """
    charge = _own_charge(company, transaction_id)
    given_minor = optional_amount_minor(amount, charge.asset_id)
    counted = _lock(charge)
    left_minor = charge.amount_minor - counted.refunded_minor
    refund_minor = left_minor if given_minor is None else given_minor
    if left_minor == 0 or refund_minor > left_minor:
        raise RefundExceedsCharge(left=to_decimal(left_minor, charge.asset_id))
    group_id = uuid.uuid4() if returns_fee else None
    order = Order(
        Kind.REFUND,
        charge.target_id,
        charge.source_id,
        refund_minor,
        charge.asset_id,
        summary=summary,
        actor_id=company.pk,
        origin_id=charge.id,
        group_id=group_id,
        paytoken_id=charge.paytoken_id,
        payment_request_id=charge.payment_request_id,
    )
    return_minor = _fee_share(counted, refund_minor) if returns_fee else 0
    if return_minor:
        fee_return = order_into(
            Kind.FEE_RETURN,
            wallet_ref(charge.target_id),
            return_minor,
            summary=summary,
            actor_id=company.pk,
        )
        fee_return = replace(fee_return, origin_id=charge.id, group_id=group_id)
        _, outcome = move_group([fee_return, order], company, details=lambda _: {})
    else:
        outcome = move(order, company)
    counted.refunded_minor += refund_minor
    counted.fee_returned_minor += return_minor
    counted.save(update_fields=["refunded_minor", "fee_returned_minor"])
    return Refund(order, outcome, counted.refunded_minor, return_minor)


def _fee_share(charge: Charge, refund_minor: int) -> int:
    """Return the part of the fee that comes back with this refund, in minor units.

    It is the difference of two rounded sums, so that many refunds give back what one would, and
    never more than the fee.
    """

    def share_of(refunded_minor: int) -> int:
        # Half up, of whole numbers.
        doubled = 2 * charge.fee_minor * refunded_minor
        return (doubled + charge.amount_minor) // (2 * charge.amount_minor)

    return share_of(charge.refunded_minor + refund_minor) - share_of(charge.refunded_minor)


def _own_charge(company: User, transaction_id: uuid.UUID) -> Transaction:
    """Return the company's completed charge or capture."""
    found = Transaction.objects.filter(
        id=transaction_id, kind__in=(Kind.CHARGE, Kind.CAPTURE)
    ).first()
    if found is None or wallet_ref(found.target_id).owner_id != company.pk:
        raise ChargeNotFound
    if not found.is_completed:
        raise ChargeFailed
    return found


def _lock(transaction: Transaction) -> Charge:
    """Return the row that counts the charge's refunds, locked. Its first refund makes it."""
    Charge.objects.bulk_create(
        [
            Charge(
                transaction_id=transaction.id,
                amount_minor=transaction.amount_minor,
                fee_minor=transaction.fee_minor or 0,
            )
        ],
        ignore_conflicts=True,
    )
    return Charge.objects.select_for_update(no_key=True).get(pk=transaction.id)
