"""What the service should hold, in minor units, and what it should answer."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Any

from tests.factories import Holder
from tests.http_client import Reply
from wallets.models import Status

SHORT, STOPPED, REUSED = (
    (400, "insufficient_funds"),
    (409, "wallet_not_active"),
    (409, "idempotency_key_reused"),
)


class Relative(Enum):
    """An amount that depends on what the payer has just then."""

    ALL = auto()
    ALL_AND_ONE = auto()


@dataclass
class Wallet:
    """What a holder should have, in minor units. `gold` is None until the first credit."""

    holder: Holder
    balance: int = 0
    status: Status = Status.ACTIVE
    gold: int | None = None

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
class Queued:
    id: str
    source: Wallet
    target: Wallet | None
    amount: int


@dataclass
class Sent:
    """A call under a key, and its answer if a repeat has to be given the same one."""

    caller: Wallet
    path: str
    body: dict[str, Any]
    key: str
    kept: Reply | None


@dataclass
class Expected:
    """`error` is a status and a code; without one the call succeeds."""

    error: tuple[int, str] | None = None
    success: int = 200

    @property
    def status(self) -> int:
        return self.error[0] if self.error else self.success


def money(minor: int) -> Decimal:
    return Decimal(minor).scaleb(-2)


def text(minor: int) -> str:
    return str(money(minor))


def gold(wallet: Wallet, amount: int) -> dict[str, Any]:
    return {
        "userId": str(wallet.holder.user.pk),
        "assetSymbol": "GOLD",
        "amount": text(amount),
    }


def amount_of(drawn: int | Relative, has: int) -> int:
    return drawn if isinstance(drawn, int) else max(1, has + (drawn is Relative.ALL_AND_ONE))


def move(source: Wallet, target: Wallet | None, amount: int) -> None:
    source.balance -= amount
    if target is not None:
        target.balance += amount


def failure(*wallets: Wallet, payer: Wallet | None = None, amount: int = 0) -> Expected:
    """Return the first thing that is wrong with moving an amount between these wallets."""
    if not all(wallet.is_active for wallet in wallets):
        return Expected(STOPPED)
    if payer is not None and payer.balance < amount:
        return Expected(SHORT)
    return Expected()
