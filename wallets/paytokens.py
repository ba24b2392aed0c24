"""Pay tokens: what an owner shows a shop instead of the wallet's token."""

import uuid
from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q, QuerySet

from accounts.models import User
from accounts.services import find_company
from core.database_time import CurrentMoment, moment_in
from core.derived_secrets import derive, derive_again, digest_of, new_salt
from core.unit_of_work import requires_unit_of_work
from wallets.assets import optional_amount_minor
from wallets.errors import PayTokenLimitReached, PayTokenNotFound
from wallets.models import PayToken
from wallets.references import own_wallet_ref
from wallets.selectors import unclosed_wallet
from wallets.services import lock_owner, lock_wallets

PREFIX = "pt_"
MAX_USABLE = 100


@requires_unit_of_work
def create_paytoken(
    owner: User,
    *,
    wallet_id: uuid.UUID,
    max_amount: str | None = None,
    uses: int = 1,
    company_id: uuid.UUID | None = None,
    expires_in: int,
) -> PayToken:
    """Make a pay token for the owner's wallet. `text_of` returns what the owner shows.

    `max_amount` is a plain decimal of the wallet's asset, `expires_in` is in seconds. Raises
    `WalletNotFound`, `CompanyNotFound`, `InvalidInput`, `AmountNotPositive`, `WalletClosed` and
    `PayTokenLimitReached`.
    """
    wallet = own_wallet_ref(owner, wallet_id)
    company = None if company_id is None else find_company(company_id)
    max_minor = optional_amount_minor(max_amount, wallet.asset_id, field="max_amount")
    lock_owner(owner)
    unclosed_wallet(wallet.id)
    if usable_paytokens(owner).count() >= MAX_USABLE:
        raise PayTokenLimitReached(limit=MAX_USABLE)
    row_id, salt = uuid.uuid4(), new_salt()
    return PayToken.objects.create(
        id=row_id,
        wallet_id=wallet.id,
        company=company,
        max_amount_minor=max_minor,
        uses=uses,
        uses_left=uses,
        salt=salt,
        digest=digest_of(derive(PREFIX, row_id, salt)),
        expires_at=moment_in(expires_in),
    )


def text_of(paytoken_id: uuid.UUID) -> str | None:
    """Return a pay token as its owner shows it, `pt_…`.

    None when it was made with a secret key that is no longer among the fallbacks, or was deleted.
    """
    row = PayToken.objects.filter(pk=paytoken_id).first()
    if row is None:
        return None
    return derive_again(PREFIX, row.id, bytes(row.salt), bytes(row.digest))


def usable_paytokens(owner: User) -> QuerySet[PayToken]:
    """Return those of the owner's pay tokens that can still be used, oldest first."""
    return PayToken.objects.filter(
        Q(company__isnull=True) | Q(company__is_active=True),
        wallet__owner_id=owner.pk,
        # None lives longer than a day: this bounds what is read of the index.
        created_at__gt=CurrentMoment() - timedelta(days=2),
        revoked_at__isnull=True,
        uses_left__gt=0,
        expires_at__gt=CurrentMoment(),
    ).order_by("created_at", "id")


@requires_unit_of_work
def revoke_paytoken(owner: User, paytoken_id: uuid.UUID) -> None:
    """Revoke a pay token; no charge that begins later is made by it.

    Raises `PayTokenNotFound`, also for one that was revoked before.
    """
    own = PayToken.objects.filter(
        pk=paytoken_id, wallet__owner_id=owner.pk, revoked_at__isnull=True
    )
    found = own.first()
    if found is None:
        raise PayTokenNotFound
    lock_wallets([found.wallet_id])
    if not own.update(revoked_at=CurrentMoment()):
        raise PayTokenNotFound


@requires_unit_of_work
def revoke_paytokens(wallet_ids: Iterable[uuid.UUID]) -> None:
    """Revoke all pay tokens of wallets that are locked."""
    PayToken.objects.filter(wallet_id__in=wallet_ids, revoked_at__isnull=True).update(
        revoked_at=CurrentMoment()
    )
