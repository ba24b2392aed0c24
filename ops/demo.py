"""The users of the demo. Existing ones are left unchanged."""

import uuid
from collections.abc import Callable

from accounts.models import Client, Company, Role, User
from commerce.cash import order_deposit
from commerce.credits import order_top_up
from commerce.movements import move
from core.unit_of_work import requires_unit_of_work
from wallets.assets import create_asset
from wallets.models import Asset, Status, Wallet
from wallets.selectors import wallets_of
from wallets.services import open_cash_wallet, set_status

PASSWORD = "demo-only-4711"  # noqa: S105 - printed by every start of the demo
CREDITS = (("GOLD", "Gold"), ("DIAMOND", "Diamonds"), ("LOYALTY", "Loyalty points"))


def email_of(name: str) -> str:
    """Return the email address of a demo user."""
    return f"{name}@demo.example"


@requires_unit_of_work
def create_actors() -> None:
    """Create the missing users: two credit holders, three clients, a company, an operator."""
    assets = [
        create_asset(symbol=symbol, name=name, decimals=2, is_cash=False)
        for symbol, name in CREDITS
    ]
    operator = _get_or_create("operator", Role.OPERATOR, lambda user: None)
    _get_or_create("ana", Role.CLIENT, lambda user: _add_credits(operator, user, assets, "250.00"))
    _get_or_create("ben", Role.CLIENT, lambda user: _add_credits(operator, user, assets, "90.00"))
    _get_or_create("rich", Role.CLIENT, lambda user: _open_wallet(user, "1000000.00"))
    _get_or_create("empty", Role.CLIENT, _open_wallet)
    _get_or_create("frozen", Role.CLIENT, lambda user: _freeze(_open_wallet(user, "50.00")))
    _get_or_create("shop", Role.COMPANY, _open_wallet)


def first_wallet_id(name: str) -> uuid.UUID:
    """Return the token of the oldest wallet of a demo user."""
    return wallets_of(User.objects.get(email=email_of(name)))[0].id


def _get_or_create(name: str, role: Role, add_wallets: Callable[[User], object]) -> User:
    user = User.objects.filter(email=email_of(name)).first()
    if user is not None:
        return user
    user = User.objects.create_user(
        email_of(name), PASSWORD, role=role, is_superuser=role == Role.OPERATOR
    )
    person = {"first_name": name.title(), "last_name": "Demo", "phone_number": "+34666666666"}
    if role == Role.CLIENT:
        Client.objects.create(user=user, **person)
    if role == Role.COMPANY:
        Company.objects.create(user=user, name="Shop", url="https://shop.example", **person)
    add_wallets(user)
    return user


def _add_credits(operator: User, user: User, assets: list[Asset], amount: str) -> None:
    for asset in assets:
        move(
            order_top_up(operator, user=user, asset=asset, amount=amount, summary="Welcome"),
            operator,
        )


def _open_wallet(user: User, amount: str | None = None) -> Wallet:
    wallet = open_cash_wallet(user, "USD")
    if amount is not None:
        move(
            order_deposit(user, wallet_id=wallet.id, amount=amount, summary="Opening balance"), user
        )
    return wallet


def _freeze(wallet: Wallet) -> None:
    set_status(wallet.id, status=Status.FROZEN, reason="To see what that is like", actor=None)
