"""Customers: who they are, what they hold, and how they leave."""

import uuid

from accounts.errors import CustomerNotFound
from accounts.models import Role, User
from accounts.services import erase, update_person
from commerce.payment_requests import cancel_all
from core.unit_of_work import requires_unit_of_work
from wallets.approvals import end_approvals
from wallets.assets import DEFAULT_CURRENCY, get_asset
from wallets.errors import BalanceNotZero
from wallets.models import Status, Wallet
from wallets.paytokens import revoke_paytokens
from wallets.selectors import default_wallet
from wallets.services import lock_wallets, refuse_active_holds, set_status


def find_customer(customer_id: uuid.UUID) -> User:
    """Return a client or a company that has not left. Raises `CustomerNotFound`."""
    user = (
        User.objects.filter(pk=customer_id, is_active=True)
        .exclude(role=Role.OPERATOR)
        .select_related("client", "company")
        .first()
    )
    if user is None:
        raise CustomerNotFound
    return user


def balance_minor_of(customer: User) -> int:
    """Return what the customer holds of the default currency, in minor units."""
    wallet = default_wallet(customer, get_asset(DEFAULT_CURRENCY))
    return (wallet and wallet.balance_minor) or 0


@requires_unit_of_work
def change_customer(customer: User, **person: str) -> User:
    """Change the customer's names or phone number; return the customer.

    Raises `CustomerNotFound`, also when they left a moment ago.
    """
    User.objects.select_for_update(no_key=True).get(pk=customer.pk)
    customer = find_customer(customer.pk)
    update_person(customer.company if _is_company(customer) else customer.client, **person)
    return customer


@requires_unit_of_work
def remove_customer(customer: User, *, actor: User) -> None:
    """Erase the customer's personal data, end their sessions, close their wallets.

    What could still bring money in or out ends: payment requests, pay tokens, approvals. The ledger
    stays. Raises `HoldsActive` while money is held of a wallet or for it, and `BalanceNotZero`
    while one holds money.
    """
    # The user before the wallets, and these by id: the order of locks of the whole service. Once
    # the user is locked, nobody opens another wallet for them.
    User.objects.select_for_update(no_key=True).get(pk=customer.pk)
    open_wallets = Wallet.objects.filter(owner_id=customer.pk).exclude(status=Status.CLOSED)
    # All are locked and looked at before the first one is closed.
    wallet_ids = [wallet.id for wallet in open_wallets]
    lock_wallets(wallet_ids)
    refuse_active_holds(wallet_ids)
    if open_wallets.filter(balance_minor__gt=0).exists():
        raise BalanceNotZero
    cancel_all(customer)
    revoke_paytokens(wallet_ids)
    end_approvals(customer, wallet_ids)
    for wallet in open_wallets.order_by("id"):
        set_status(wallet.id, status=Status.CLOSED, reason="The customer left.", actor=actor)
    erase(customer)


def _is_company(customer: User) -> bool:
    return customer.role == Role.COMPANY
