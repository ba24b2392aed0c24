"""The model: what the service should hold, in minor units, and what it should answer."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from ledger.models import Transaction
from tests.factories import Holder
from tests.http_client import Reply
from wallets.models import Status

INSUFFICIENT_FUNDS, WALLET_NOT_ACTIVE, KEY_REUSED = (
    (400, "insufficient_funds"),
    (409, "wallet_not_active"),
    (409, "idempotency_key_reused"),
)

TOO_MANY_FAILED_ATTEMPTS = (429, "too_many_failed_attempts")
NOT_APPROVED, APPROVAL_EXCEEDED = (403, "charge_not_approved"), (403, "approval_exceeded")


class Relative(Enum):
    """An amount relative to the payer's balance at that time."""

    ALL = auto()
    MORE_THAN_ALL = auto()


@dataclass
class Approval:
    """What the shop may charge by the wallet's token, where that is `approved`."""

    id: str
    most: int | None
    in_a_day: int | None


@dataclass
class Wallet:
    """A holder's expected balances, in minor units. `gold` is None until the first credit.

    `charged` is what the shop has charged by the wallet's token, all in one day.
    """

    holder: Holder
    balance: int = 0
    status: Status = Status.ACTIVE
    gold: int | None = None
    charges: str = "open"
    approval: Approval | None = None
    charged: int = 0

    @property
    def id(self) -> str:
        return str(self.holder.wallet_id)

    @property
    def is_active(self) -> bool:
        return self.status is Status.ACTIVE


@dataclass
class Charge:
    transaction: str
    payer: Wallet
    amount: int
    refunded: int = 0


@dataclass
class PayToken:
    id: str
    text: str
    payer: Wallet
    most: int | None
    uses_left: int
    is_revoked: bool = False

    def failure(self, amount: int) -> "Expected | None":
        """Return why it does not allow a charge, before the wallets are looked at."""
        if self.is_revoked:
            return Expected((404, "not_found"))
        if self.uses_left == 0:
            return Expected((409, "paytoken_used"))
        if self.most is not None and amount > self.most:
            return Expected((400, "paytoken_exceeded"))
        return None


@dataclass
class PaymentRequest:
    id: str
    payee: Wallet
    amount: int | None
    status: str = "open"


@dataclass
class Queued:
    id: str
    source: Wallet
    target: Wallet | None
    amount: int


@dataclass
class SentCall:
    """A call with a key. `recorded`: its answer, if a repeat must get the same one."""

    caller: Wallet
    path: str
    body: dict[str, Any]
    key: str
    recorded: Reply | None


@dataclass
class Expected:
    """`error` is a status and a code; without one the call succeeds."""

    error: tuple[int, str] | None = None
    success: int = 200

    @property
    def status(self) -> int:
        return self.error[0] if self.error else self.success


@dataclass
class FailedAttempts:
    """How many failures of each two holders are on record: at most `most`, and no hour passes."""

    most: int
    recorded: Counter[frozenset[str]] = field(default_factory=Counter)

    def expect(self, one: Wallet, other: Wallet, expected: Expected) -> Expected:
        """Count what is expected between the two if it fails, or return that it is refused."""
        if one is other or expected.error not in (INSUFFICIENT_FUNDS, WALLET_NOT_ACTIVE):
            return expected
        pair = frozenset((one.id, other.id))
        if self.recorded[pair] == self.most:
            return Expected(TOO_MANY_FAILED_ATTEMPTS)
        self.recorded[pair] += 1
        return expected

    def check(self) -> None:
        """Compare with the ledger. Each holder has one wallet."""
        holders = set().union(*self.recorded)
        failed = Transaction.objects.filter(
            failure_code__isnull=False, source_id__in=holders, target_id__in=holders
        ).values_list("source_id", "target_id")
        found = Counter(frozenset(map(str, sides)) for sides in failed)
        assert found == self.recorded


def to_decimal(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


def amount_text(minor: int) -> str:
    return str(to_decimal(minor))


def gold_body(wallet: Wallet, amount: int) -> dict[str, Any]:
    return {
        "userId": str(wallet.holder.user.pk),
        "assetSymbol": "GOLD",
        "amount": amount_text(amount),
    }


def amount_of(drawn: int | Relative, balance: int) -> int:
    return drawn if isinstance(drawn, int) else max(1, balance + (drawn is Relative.MORE_THAN_ALL))


def move(source: Wallet, target: Wallet | None, amount: int) -> None:
    source.balance -= amount
    if target is not None:
        target.balance += amount


def failure(*wallets: Wallet, payer: Wallet | None = None, amount: int = 0) -> Expected:
    """Return the first reason to refuse moving the amount between these wallets, if any."""
    if not all(wallet.is_active for wallet in wallets):
        return Expected(WALLET_NOT_ACTIVE)
    if payer is not None and payer.balance < amount:
        return Expected(INSUFFICIENT_FUNDS)
    return Expected()


def charge_failure(payer: Wallet, shop: Wallet, amount: int) -> Expected:
    """Return the first reason to refuse a charge by the payer's token, if any."""
    if not (payer.is_active and shop.is_active):
        return Expected(WALLET_NOT_ACTIVE)
    approval = payer.approval if payer.charges == "approved" else None
    if payer.charges != "open" and approval is None:
        return Expected(NOT_APPROVED)
    if approval is not None:
        is_too_much = approval.most is not None and amount > approval.most
        in_a_day = payer.charged + amount
        if is_too_much or (approval.in_a_day is not None and in_a_day > approval.in_a_day):
            return Expected(APPROVAL_EXCEEDED)
    return failure(payer, shop, payer=payer, amount=amount)


def move_by_token(payer: Wallet, shop: Wallet, amount: int) -> None:
    move(payer, shop, amount)
    payer.charged += amount
