"""Approvals, pay tokens, holds and payment requests around wallets and people: the newest ones.

An index that ends in the time serves each query: a busy company's page costs what any other does.
What a wallet has paid is found by its newest transactions. The secret of a pay token is stored
nowhere; its salt and digest are not read here.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from accounts.models import Role, User
from commerce.models import PaymentRequest
from ledger.history import transactions_of
from ledger.kinds import Kind
from ledger.models import Hold
from wallets.models import Approval, PayToken, Wallet

Row = TypeVar("Row", bound=Model)
#: How many rows of each kind a page shows, the newest ones.
ROWS_SHOWN = 25
#: Among how many of their newest transactions the payments of wallets are looked for.
TRANSACTIONS_READ = 200


@dataclass(slots=True)
class PaymentRecords:
    """Records of each kind, the newest first.

    `holds` are of the wallets' money or for them. `asked` are payment requests into the wallets,
    `paid` those that were paid out of them.
    """

    approvals: list[Approval] = field(default_factory=list)
    paytokens: list[PayToken] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    asked: list[PaymentRequest] = field(default_factory=list)
    paid: list[PaymentRequest] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not any((self.approvals, self.paytokens, self.holds, self.asked, self.paid))

    @property
    def wallet_ids(self) -> set[uuid.UUID]:
        """The wallets that these records name, payers' included; not those of splits."""
        requests = (*self.asked, *self.paid)
        payers = {row.payer_wallet_id for row in requests if row.payer_wallet_id}
        ids = payers | {row.wallet_id for row in requests}
        ids |= {key for row in self.holds for key in (row.payer_wallet_id, row.company_wallet_id)}
        ids |= {row.wallet_id for row in self.approvals}
        return ids | {row.wallet_id for row in self.paytokens}

    @property
    def company_ids(self) -> set[uuid.UUID]:
        """The companies that were approved, and those that pay tokens are for."""
        only = {row.company_id for row in self.paytokens if row.company_id}
        return only | {row.company_id for row in self.approvals}


def approvals() -> QuerySet[Approval]:
    """Return the approvals, with what the tables show of them."""
    return Approval.objects.select_related("wallet", "company__company")


def paytokens() -> QuerySet[PayToken]:
    """Return the pay tokens, with what the tables show of them: not salt and digest."""
    return PayToken.objects.select_related("wallet", "company__company").defer("salt", "digest")


def payment_requests() -> QuerySet[PaymentRequest]:
    """Return the payment requests, with what the tables show of them."""
    return PaymentRequest.objects.select_related("wallet", "payee")


def payments_of(wallets: Sequence[Wallet], people: Sequence[User] = ()) -> PaymentRecords:
    """Return the records of some wallets, and the approvals that companies among `people` have."""
    of_wallets = [Q(wallet_id=wallet.pk) for wallet in wallets]
    companies = [Q(company_id=user.pk) for user in people if user.role == Role.COMPANY]
    return PaymentRecords(
        approvals=_newest(approvals(), [*of_wallets, *companies], by="created_at"),
        paytokens=_newest(paytokens(), of_wallets, by="created_at"),
        holds=_newest(Hold.objects.all(), _sides_of_holds(wallets), by="created_at"),
        asked=_newest(payment_requests(), of_wallets, by="created_at"),
        paid=_paid_by(wallets),
    )


def _sides_of_holds(wallets: Sequence[Wallet]) -> list[Q]:
    keys = [wallet.pk for wallet in wallets]
    return [
        *(Q(payer_wallet_id=key) for key in keys),
        *(Q(company_wallet_id=key) for key in keys),
    ]


def _paid_by(wallets: Sequence[Wallet]) -> list[PaymentRequest]:
    """Return the requests that the newest transactions of the wallets have paid, newest first."""
    wallet_ids = [wallet.pk for wallet in wallets]
    # A refund names the request of its charge, and leaves the payee's wallet.
    paid = [
        transaction.payment_request_id
        for transaction in transactions_of(wallet_ids, count=TRANSACTIONS_READ, moved_only=True)
        if transaction.payment_request_id is not None
        and transaction.source_id in wallet_ids
        and transaction.kind != Kind.REFUND
    ][:ROWS_SHOWN]
    found = payment_requests().in_bulk(paid)
    return [found[each] for each in paid]


def approval_state(approval: Approval, moment: datetime) -> str:
    """Return active, expired or ended (revoked or replaced) for an approval at that moment."""
    if approval.ended_at is not None:
        return "ended"
    is_over = approval.expires_at is not None and approval.expires_at <= moment
    return "expired" if is_over else "active"


def paytoken_state(paytoken: PayToken, moment: datetime) -> str:
    """Return usable, used, revoked or expired for a pay token at that moment: how it ended first.

    Whoever leaves has every pay token revoked, those that had ended included.
    """
    if not paytoken.uses_left:
        return "used"
    if paytoken.revoked_at is not None and paytoken.revoked_at < paytoken.expires_at:
        return "revoked"
    return "expired" if paytoken.expires_at <= moment else "usable"


def _newest(rows: QuerySet[Row], conditions: Sequence[Q], *, by: str) -> list[Row]:
    """Return the newest rows that meet one of the conditions; an index serves each of them.

    PostgreSQL reads each from the end of its own index. With a single OR condition it would sort
    all rows of a busy company.
    """
    order = (f"-{by}", "-pk")
    parts = [
        rows.model._default_manager.filter(condition)
        .order_by(f"-{by}")
        .values_list("pk", by)[:ROWS_SHOWN]
        for condition in conditions
    ]
    if not parts:
        return []
    first, *others = parts
    newest = first.union(*others).order_by(f"-{by}")[:ROWS_SHOWN] if others else first
    return list(rows.filter(pk__in=[key for key, _ in newest]).order_by(*order))
