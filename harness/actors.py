"""Accounts with tokens and wallets, made in this process. Wants Django; requires a unit of work."""

import uuid
from dataclasses import dataclass
from typing import Any

from accounts.models import Client, Company, OperatorKind, Role, User
from accounts.services import open_session
from commerce.cash import open_wallet
from wallets.assets import DEFAULT_CURRENCY

PERSON = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": "+34666666666"}
SHOP = {**PERSON, "name": "Corner Shop", "url": "https://shop.example.com"}


@dataclass(frozen=True)
class Actor:
    """An account with a token, and its wallets."""

    id: uuid.UUID
    token: str
    wallets: tuple[uuid.UUID, ...] = ()

    @property
    def wallet(self) -> uuid.UUID:
        """Its first wallet."""
        return self.wallets[0]


def create_user(role: Role) -> User:
    """Create an account without a password: to hash one takes longer than all the rest.

    An operator is a platform.
    """
    kind = OperatorKind.PLATFORM if role == Role.OPERATOR else None
    user = User(email=f"{uuid.uuid4()}@example.com", role=role, operator_kind=kind, password="!")
    user.save()
    models: dict[str, tuple[type[Client | Company], dict[str, Any]]] = {
        Role.CLIENT: (Client, PERSON),
        Role.COMPANY: (Company, SHOP),
    }
    if role in models:
        model, profile = models[role]
        model.objects.create(user=user, **profile)
    return user


def create_actor(role: Role, *balances: str) -> Actor:
    """Create an account with a token, and a wallet for each balance such as "100.00"."""
    user = create_user(role)
    wallets = [
        open_wallet(user, currency=DEFAULT_CURRENCY, balance=balance).id for balance in balances
    ]
    return actor_of(user, *wallets)


def actor_of(user: User, *wallets: uuid.UUID) -> Actor:
    """Return an account as an actor, with a token of its own."""
    return Actor(user.pk, open_session(user).token, wallets)
