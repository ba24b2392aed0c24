"""The users of the demo. Existing ones are left unchanged."""

from collections.abc import Callable

from django.conf import settings

from accounts.models import Client, Company, OperatorKind, Role, User
from accounts.services import create_operator
from commerce.credits import order_top_up
from commerce.movements import move
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import Kind
from ledger.orders import order_into
from wallets.assets import amount_minor, create_asset
from wallets.models import Asset, Status, Wallet
from wallets.references import ref_of
from wallets.selectors import wallets_of
from wallets.services import open_cash_wallet, set_status

PASSWORD = "demo-only-4711"  # noqa: S105 - printed by every start of the demo
CREDITS = (("GOLD", "Gold"), ("DIAMOND", "Diamonds"), ("LOYALTY", "Loyalty points"))


def email_of(name: str) -> str:
    """Return the email address of a demo user."""
    return f"{name}@demo.example"


@requires_unit_of_work
def create_actors() -> str:
    """Create the missing users; return a new token of the platform, which has no password.

    They are two credit holders, three clients, a company, two of the staff and the platform.
    """
    assets = [
        create_asset(symbol=symbol, name=name, decimals=2, is_cash=False)
        for symbol, name in CREDITS
    ]
    platform = create_operator(email_of("platform"))

    def add_credits(amount: str) -> Callable[[User], object]:
        return lambda user: _add_credits(platform.user, user, assets, amount)

    _get_or_create("operator", Role.OPERATOR)
    _get_or_create("approver", Role.OPERATOR)
    _get_or_create("ana", Role.CLIENT, add_credits("250.00"))
    _get_or_create("ben", Role.CLIENT, add_credits("90.00"))
    _get_or_create("rich", Role.CLIENT, lambda user: _open_wallet(user, "1000000.00"))
    _get_or_create("empty", Role.CLIENT, _open_wallet)
    _get_or_create("frozen", Role.CLIENT, lambda user: _freeze(_open_wallet(user, "50.00")))
    _get_or_create("shop", Role.COMPANY, _open_wallet)
    if settings.CASH == "operators":
        # `manage.py smoke` cannot deposit its cent there.
        _get_or_create("smoke", Role.CLIENT, lambda user: _open_wallet(user, "0.01"))
    return platform.token


def first_wallet(name: str) -> Wallet:
    """Return the oldest wallet of a demo user, as it is now."""
    return wallets_of(User.objects.get(email=email_of(name)))[0]


def _get_or_create(
    name: str, role: Role, add_wallets: Callable[[User], object] = lambda user: None
) -> User:
    user = User.objects.filter(email=email_of(name)).first()
    if user is not None:
        return user
    kind = OperatorKind.STAFF if role == Role.OPERATOR else None
    user = User.objects.create_user(email_of(name), PASSWORD, role=role, operator_kind=kind)
    person = {"first_name": name.title(), "last_name": "Demo", "phone_number": "+34666666666"}
    if role == Role.CLIENT:
        Client.objects.create(user=user, **person)
    if role == Role.COMPANY:
        Company.objects.create(user=user, name="Shop", url="https://shop.example", **person)
    add_wallets(user)
    return user


def _add_credits(platform: User, user: User, assets: list[Asset], amount: str) -> None:
    for asset in assets:
        order = order_top_up(platform, user=user, asset=asset, amount=amount, summary="Welcome")
        move(order, platform)


def _open_wallet(user: User, amount: str | None = None) -> Wallet:
    wallet = open_cash_wallet(user, "USD")
    if amount is not None:
        # Whoever deposits otherwise: the demo's owner puts this in.
        minor = amount_minor(amount, "USD")
        order = order_into(Kind.DEPOSIT, ref_of(wallet), minor, summary="Opening balance")
        move(order, user)
    return wallet


def _freeze(wallet: Wallet) -> None:
    set_status(wallet.id, status=Status.FROZEN, reason="To see what that is like", actor=None)
