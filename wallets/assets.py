"""The assets, cached in the process: their properties never change after their creation."""

import re
import uuid
from decimal import Decimal
from functools import cache
from typing import overload

from core.errors import InvalidInput
from core.money import to_major, to_minor
from wallets.models import Asset, Purpose, Wallet

DEFAULT_CURRENCY = "USD"

_SYSTEM_WALLET_NAMESPACE = uuid.UUID("5d0b3c3e-6f4b-5f0e-8a53-2f1f6f0c9d11")
SYMBOL = re.compile(r"[A-Z0-9]{1,12}")
_cache: dict[str, Asset] = {}


def find_asset(symbol: str) -> Asset | None:
    """Return the asset, or None if there is none with this symbol."""
    if symbol not in _cache:
        # No query for an invalid symbol, which PostgreSQL may not even accept (a NUL, say).
        if not SYMBOL.fullmatch(symbol):
            return None
        asset = Asset.objects.filter(symbol=symbol).first()
        if asset is None:
            return None
        _cache[symbol] = asset
    return _cache[symbol]


def all_assets() -> list[Asset]:
    """Return every asset, cash first, in the order of their symbols."""
    return list(Asset.objects.order_by("-is_cash", "symbol"))


def get_asset(symbol: str, *, field: str = "currency") -> Asset:
    """Return the asset. Raises `InvalidInput` for `field` when there is none."""
    asset = find_asset(symbol)
    if asset is None:
        raise InvalidInput({field: ["There is no such currency."]})
    return asset


def amount_minor(
    amount: str, symbol: str, *, field: str = "amount", zero_allowed: bool = False
) -> int:
    """Return an amount of the asset in minor units. Raises as `core.money.to_minor` does."""
    decimals = get_asset(symbol).decimals
    return to_minor(amount, decimals=decimals, field=field, zero_allowed=zero_allowed)


def optional_amount_minor(amount: str | None, symbol: str, *, field: str = "amount") -> int | None:
    """Return what `amount_minor` does; None stays None."""
    return None if amount is None else amount_minor(amount, symbol, field=field)


@overload
def to_decimal(minor: int, symbol: str) -> Decimal: ...
@overload
def to_decimal(minor: int | None, symbol: str) -> Decimal | None: ...
def to_decimal(minor: int | None, symbol: str) -> Decimal | None:
    """Return minor units of the asset as the exact decimal for an answer; None stays None."""
    return None if minor is None else to_major(minor, decimals=get_asset(symbol).decimals)


@cache
def system_wallet_id(symbol: str, purpose: str) -> uuid.UUID:
    """Return the id of the asset's system wallet, which is derived, so it needs no query."""
    return uuid.uuid5(_SYSTEM_WALLET_NAMESPACE, f"{symbol}:{purpose}")


@cache
def system_wallet_ids(symbol: str) -> frozenset[uuid.UUID]:
    """Return the ids of all system wallets of the asset."""
    return frozenset(system_wallet_id(symbol, purpose) for purpose in Purpose)


def is_system_wallet(wallet_id: uuid.UUID, symbol: str) -> bool:
    """Whether the id is one of the asset's system wallets."""
    return wallet_id in system_wallet_ids(symbol)


def system_wallet_name(wallet_id: uuid.UUID, symbol: str) -> str:
    """Return the name of a system wallet in the API and the admin, e.g. `SYSTEM:funding`."""
    purposes = {system_wallet_id(symbol, purpose): purpose for purpose in Purpose}
    return f"SYSTEM:{purposes[wallet_id]}"


def create_asset(*, symbol: str, name: str, decimals: int, is_cash: bool) -> Asset:
    """Create the asset and its system wallets, or return the existing asset."""
    asset, _ = Asset.objects.get_or_create(
        symbol=symbol, defaults={"name": name, "decimals": decimals, "is_cash": is_cash}
    )
    for purpose in Purpose:
        Wallet.objects.get_or_create(
            id=system_wallet_id(symbol, purpose), defaults={"asset": asset, "purpose": purpose}
        )
    return asset
