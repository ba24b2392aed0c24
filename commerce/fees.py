"""What a company pays the platform for each charge: operators set it, and take it back.

`ledger_post` takes the fee with each charge, under the lock of the company's wallet. So a charge
that begins after a change has been committed obeys it, in every process.
"""

import uuid
from collections.abc import Mapping
from decimal import Decimal

from accounts import support_actions
from accounts.errors import CompanyNotFound
from accounts.models import Action, Role, User
from core.errors import InvalidInput
from core.money import AmountNotPositive, is_plain_decimal, plain
from core.unit_of_work import requires_unit_of_work
from wallets.assets import amount_minor, to_decimal
from wallets.models import Fee
from wallets.selectors import company_wallet, unclosed_wallet
from wallets.services import lock_wallets

_HIGHEST_PERCENT = 100
_PERCENT_PLACES = 4


def fee_of(company_id: uuid.UUID) -> Fee | None:
    """Return the company's fee with its wallet; None if it pays none.

    Raises `CompanyNotFound`, also for an account of another role and for one that was erased.
    """
    _existing(User.objects.filter(pk=company_id).first())
    return _find_fee(company_id)


@requires_unit_of_work
def set_fee(
    company_id: uuid.UUID,
    *,
    percent: str | None,
    fixed: str | None,
    lowest: str | None,
    highest: str | None,
    operator: User,
    address: str | None,
    reason: str = "",
) -> Fee:
    """Have the company pay a fee, in place of the one that it had.

    All are plain decimals, the amounts in the asset of the company's wallet; of them one at least
    is given. Waits for running movements of the wallet. Raises `InvalidInput` for the fields
    `percent`, `fixed`, `min` and `max`, `CompanyNotFound`, `NoWallet` and `WalletClosed`.
    """
    given = {"percent": percent, "fixed": fixed, "min": lowest, "max": highest}
    if all(text is None for text in given.values()):
        raise InvalidInput({"percent": ["A fee has a percent, fixed, min or max."]})
    company = _lock_company(company_id)
    wallet = company_wallet(company.pk)
    lock_wallets([wallet.id])
    unclosed_wallet(wallet.id)
    amounts = _amounts_minor(given, wallet.asset_id)
    fee = Fee(
        wallet=wallet,
        percent=_percent(percent or "0"),
        fixed_minor=amounts["fixed"] or 0,
        min_minor=amounts["min"],
        max_minor=amounts["max"],
    )
    before = _find_fee(company.pk)
    Fee.objects.bulk_create(
        [fee],
        update_conflicts=True,
        unique_fields=["wallet"],
        update_fields=["percent", "fixed_minor", "min_minor", "max_minor"],
    )
    support_actions.record(
        Action.FEE_SET,
        actor_id=operator.pk,
        subject_kind="user",
        subject_id=company.pk,
        reason=reason,
        result=_change_text(before, fee),
        address=address,
    )
    return fee


@requires_unit_of_work
def remove_fee(
    company_id: uuid.UUID, *, operator: User, address: str | None, reason: str = ""
) -> None:
    """Have the company pay no fee any more; nothing changes when it pays none.

    Waits for running movements of the wallet. Raises `CompanyNotFound`.
    """
    company = _lock_company(company_id)
    # Whoever changes a fee has locked the company.
    fee = _find_fee(company.pk)
    if fee is None:
        return
    lock_wallets([fee.wallet_id])
    Fee.objects.filter(pk=fee.wallet_id).delete()
    support_actions.record(
        Action.FEE_REMOVED,
        actor_id=operator.pk,
        subject_kind="user",
        subject_id=company.pk,
        reason=reason,
        result=_change_text(fee, None),
        address=address,
    )


def fee_text(fee: Fee | None) -> str:
    """Return a fee in words: `2.5 %, fixed 0.30, at least 0.50, at most 10.00 USD`; `none`."""
    if fee is None:
        return "none"
    symbol = fee.wallet.asset_id
    parts = (
        ("fixed", fee.fixed_minor or None),
        ("at least", fee.min_minor),
        ("at most", fee.max_minor),
    )
    amounts = [
        f"{name} {to_decimal(minor, symbol):,f}" for name, minor in parts if minor is not None
    ]
    words = ", ".join([f"{percent_text(fee)} %", *amounts])
    return f"{words} {symbol}" if amounts else words


def percent_text(fee: Fee) -> str:
    """Return the percentage without zeros at its end: `2.5`, `100`, `0`."""
    return plain(fee.percent.normalize())


def _percent(text: str) -> Decimal:
    _, _, places = text.partition(".")
    if not is_plain_decimal(text) or len(places) > _PERCENT_PLACES:
        raise InvalidInput({"percent": [f"A decimal of at most {_PERCENT_PLACES} places."]})
    percent = Decimal(text)
    if not 0 <= percent <= _HIGHEST_PERCENT:
        raise InvalidInput({"percent": [f"From 0 to {_HIGHEST_PERCENT}."]})
    return abs(percent)  # of "-0"


def _amounts_minor(given: Mapping[str, str | None], symbol: str) -> dict[str, int | None]:
    """Return the fixed, the lowest and the highest fee in minor units. Raises `InvalidInput`."""
    amounts = {name: _amount_minor(given[name], symbol, name) for name in ("fixed", "min", "max")}
    lowest, highest = amounts["min"], amounts["max"]
    if lowest is not None and highest is not None and lowest > highest:
        raise InvalidInput({"min": ["Must not be above max."]})
    return amounts


def _amount_minor(text: str | None, symbol: str, field: str) -> int | None:
    if text is None:
        return None
    try:
        return amount_minor(text, symbol, field=field, zero_allowed=True)
    except AmountNotPositive:
        raise InvalidInput({field: ["Must not be below zero."]}) from None


def _find_fee(company_id: uuid.UUID) -> Fee | None:
    return Fee.objects.filter(wallet__owner_id=company_id).select_related("wallet").first()


def _lock_company(company_id: uuid.UUID) -> User:
    """Lock the account before its wallet, as whoever removes it does."""
    return _existing(User.objects.select_for_update(no_key=True).filter(pk=company_id).first())


def _existing(company: User | None) -> User:
    if company is None or company.role != Role.COMPANY or not company.is_active:
        raise CompanyNotFound
    return company


def _change_text(before: Fee | None, after: Fee | None) -> str:
    return f"Fee: {fee_text(before)}, now {fee_text(after)}"
