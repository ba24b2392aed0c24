"""The kinds of transaction: what each of them is, said once for SQL, API, queue and admin."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from django.db import models

from wallets.models import Purpose


class Kind(models.TextChoices):
    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRANSFER = "transfer"
    CHARGE = "charge"
    REFUND = "refund"
    TOPUP = "topup"
    BONUS = "bonus"
    SPEND = "spend"
    ADJUSTMENT = "adjustment"
    HOLD = "hold"
    CAPTURE = "capture"
    RELEASE = "release"
    SPLIT = "split"
    FEE = "fee"
    FEE_RETURN = "fee_return", "Fee return"


def kind_choices() -> list[tuple[str, str]]:
    """Return the choices of a model's field: by name, so that a new kind needs no migration."""
    return Kind.choices


class FailureCode(models.TextChoices):
    """Why a transaction failed, in their order of precedence."""

    WALLET_NOT_ACTIVE = "wallet_not_active"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    BALANCE_LIMIT = "balance_limit"


class Denial(StrEnum):
    """Why an order was refused and left no transaction.

    Its payer does not allow the charge; its hold or its charge does not allow it; or it failed, and
    enough failed attempts of its two accounts are on record.
    """

    PAYTOKEN_NOT_FOUND = "paytoken_not_found"
    PAYTOKEN_OTHER_COMPANY = "paytoken_other_company"
    PAYTOKEN_EXPIRED = "paytoken_expired"
    PAYTOKEN_USED = "paytoken_used"
    PAYTOKEN_EXCEEDED = "paytoken_exceeded"
    CHARGE_NOT_APPROVED = "charge_not_approved"
    APPROVAL_EXCEEDED = "approval_exceeded"
    HOLD_NOT_ACTIVE = "hold_not_active"
    HOLD_EXPIRED = "hold_expired"
    CAPTURE_EXCEEDS_HOLD = "capture_exceeds_hold"
    HOLD_LIMIT_REACHED = "hold_limit_reached"
    SPLITS_EXCEED_AMOUNT = "splits_exceed_amount"
    TOO_MANY_FAILED_ATTEMPTS = "too_many_failed_attempts"


#: Stands for a wallet that somebody owns, where the other sides name a system wallet.
OWNED = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KindRules:
    """What one kind of transaction is.

    `/wallet/history` and the queue call a kind by its value, `/api/v1` by its value in capitals.
    """

    #: (source, target): the purpose of a system wallet, or `OWNED`. Every legal pair. The table's
    #: constraint `legal_movement` says the same in SQL.
    sides: tuple[tuple[Purpose | None, Purpose | None], ...]
    #: What `/wallets/<id>` calls it, seen from the source and from the target.
    resource_types: tuple[str, str]
    #: Its colour in the admin's charts; they differ on white and on black.
    colour: str
    #: Whether it may wait in the queue.
    is_queueable: bool = False
    #: The side that a company takes money from, or gives it back to.
    payer: Literal["source", "target"] | None = None
    #: Whether it changes balances. What does not, changes what is held of the source, and stands in
    #: the source's history alone. `ledger_post` says the same in SQL.
    moves: bool = True


RULES: dict[Kind, KindRules] = {
    Kind.DEPOSIT: KindRules(
        sides=((Purpose.FUNDING, OWNED),),
        resource_types=("FUND", "FUND"),
        colour="#0ea5e9",
    ),
    Kind.WITHDRAWAL: KindRules(
        sides=((OWNED, Purpose.FUNDING),),
        resource_types=("WITHDRAW", "WITHDRAW"),
        colour="#f59e0b",
        is_queueable=True,
    ),
    Kind.TRANSFER: KindRules(
        sides=((OWNED, OWNED),),
        resource_types=("TRANSFER_OUT", "TRANSFER_IN"),
        colour="#14b8a6",
        is_queueable=True,
    ),
    Kind.CHARGE: KindRules(
        payer="source",
        sides=((OWNED, OWNED),),
        resource_types=("CHARGE_OUT", "CHARGE_IN"),
        colour="#7c3aed",
    ),
    Kind.REFUND: KindRules(
        payer="target",
        sides=((OWNED, OWNED),),
        resource_types=("REFUND_OUT", "REFUND_IN"),
        colour="#f43f5e",
    ),
    Kind.TOPUP: KindRules(
        sides=((Purpose.FUNDING, OWNED),),
        resource_types=("TOPUP", "TOPUP"),
        colour="#6366f1",
    ),
    Kind.BONUS: KindRules(
        sides=((Purpose.PROMOTIONS, OWNED),),
        resource_types=("BONUS", "BONUS"),
        colour="#ec4899",
    ),
    Kind.SPEND: KindRules(
        sides=((OWNED, Purpose.REVENUE),),
        resource_types=("SPEND", "SPEND"),
        colour="#84cc16",
        is_queueable=True,
    ),
    Kind.ADJUSTMENT: KindRules(
        sides=((Purpose.FUNDING, OWNED), (OWNED, Purpose.FUNDING)),
        resource_types=("ADJUSTMENT_OUT", "ADJUSTMENT_IN"),
        colour="#64748b",
    ),
    Kind.HOLD: KindRules(
        payer="source",
        sides=((OWNED, OWNED),),
        resource_types=("HOLD", "HOLD"),
        colour="#a855f7",
        moves=False,
    ),
    Kind.CAPTURE: KindRules(
        payer="source",
        sides=((OWNED, OWNED),),
        resource_types=("CAPTURE_OUT", "CAPTURE_IN"),
        colour="#4f46e5",
    ),
    Kind.RELEASE: KindRules(
        payer="source",
        sides=((OWNED, OWNED),),
        resource_types=("RELEASE", "RELEASE"),
        colour="#a78bfa",
        moves=False,
    ),
    Kind.SPLIT: KindRules(
        sides=((OWNED, OWNED),),
        resource_types=("SPLIT_OUT", "SPLIT_IN"),
        colour="#0d9488",
    ),
    Kind.FEE: KindRules(
        sides=((OWNED, Purpose.FEES),),
        resource_types=("FEE", "FEE"),
        colour="#b45309",
    ),
    Kind.FEE_RETURN: KindRules(
        sides=((Purpose.FEES, OWNED),),
        resource_types=("FEE_RETURN", "FEE_RETURN"),
        colour="#d97706",
    ),
}


def source_purpose(kind: Kind) -> Purpose:
    """Return the purpose of the system wallet that money of this kind comes from."""
    [purpose] = {source for source, _ in RULES[kind].sides if source is not OWNED}
    return purpose


def target_purpose(kind: Kind) -> Purpose:
    """Return the purpose of the system wallet that money of this kind goes to."""
    [purpose] = {target for _, target in RULES[kind].sides if target is not OWNED}
    return purpose
