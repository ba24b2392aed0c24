"""Approvals: the companies that may charge a wallet by its token, and how much."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import Role, User
from accounts.services import find_company
from core.database_time import CurrentMoment, moment_in
from core.keyset import newest_page
from core.unit_of_work import requires_unit_of_work
from wallets.assets import optional_amount_minor
from wallets.errors import ApprovalNotFound, WalletNotFound
from wallets.models import Approval
from wallets.references import own_wallet_ref
from wallets.selectors import unclosed_wallet, wallets_of
from wallets.services import lock_wallets

#: So many approvals are in memory while a reader takes his time.
_PAGE_SIZE = 200
MAX_SECONDS = 5 * 365 * 24 * 3600


@requires_unit_of_work
def approve(
    owner: User,
    *,
    wallet_id: UUID,
    company_id: UUID,
    max_amount: str | None = None,
    max_per_day: str | None = None,
    expires_in: int | None = None,
) -> Approval:
    """Let a company charge the owner's wallet by its token; replace an earlier approval.

    Amounts are plain decimals of the wallet's asset, `expires_in` is in seconds. Raises
    `WalletNotFound`, `CompanyNotFound`, `InvalidInput`, `AmountNotPositive` and `WalletClosed`.
    """
    wallet = own_wallet_ref(owner, wallet_id)
    company = find_company(company_id)
    max_amount_minor = optional_amount_minor(max_amount, wallet.asset_id, field="max_amount")
    max_per_day_minor = optional_amount_minor(max_per_day, wallet.asset_id, field="max_per_day")
    lock_wallets([wallet.id])
    unclosed_wallet(wallet.id)
    _live(wallet_id=wallet.id, company=company).update(ended_at=CurrentMoment())
    return Approval.objects.create(
        wallet_id=wallet.id,
        company=company,
        max_amount_minor=max_amount_minor,
        max_per_day_minor=max_per_day_minor,
        expires_at=None if expires_in is None else moment_in(expires_in),
    )


def approvals_of(
    caller: User, *, limit: int, cursor: UUID | None = None, wallet_id: UUID | None = None
) -> tuple[list[Approval], UUID | None]:
    """Return a page of the approvals of the caller's wallets, and of those it has as a company.

    Newest first; only those that count. The second value is the `cursor` of the next page: the id
    of the last approval of this one. `wallet_id` picks one wallet: raises `WalletNotFound` when it
    is none of the caller's and the caller has no approval for it. Raises `InvalidInput` for an
    unknown cursor.
    """
    # An index serves each part: a condition on the wallets' owner would read everybody's approvals.
    own = list(wallets_of(caller).values_list("id", flat=True))
    is_seen = Q(wallet_id__in=own)
    if caller.role == Role.COMPANY:
        is_seen |= Q(company_id=caller.pk)
    seen = (
        _live(company__is_active=True)
        .filter(is_seen)
        .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=CurrentMoment()))
        .select_related("wallet", "company__company")
    )
    if wallet_id is not None:
        seen = seen.filter(wallet_id=wallet_id)
        if wallet_id not in own and not seen.exists():
            raise WalletNotFound
    return newest_page(seen, cursors=Approval.objects.filter(is_seen), limit=limit, cursor=cursor)


def each_approval_of(caller: User) -> Iterator[Approval]:
    """Yield all that `approvals_of` lists, a page in memory at a time.

    Between two pages no database connection is in use.
    """
    page, cursor = approvals_of(caller, limit=_PAGE_SIZE)
    yield from page
    while cursor is not None:
        page, cursor = approvals_of(caller, limit=_PAGE_SIZE, cursor=cursor)
        yield from page


@requires_unit_of_work
def revoke_approval(owner: User, approval_id: UUID) -> None:
    """End an approval of the owner's wallet; no charge that begins later is allowed by it.

    Raises `ApprovalNotFound`, also for one that has ended.
    """
    approval = _live(pk=approval_id, wallet__owner_id=owner.pk).first()
    if approval is None:
        raise ApprovalNotFound
    lock_wallets([approval.wallet_id])
    if not _live(pk=approval_id).update(ended_at=CurrentMoment()):
        raise ApprovalNotFound


@requires_unit_of_work
def end_approvals(user: User, wallet_ids: Iterable[UUID]) -> None:
    """End the approvals of wallets that are locked, and those that the user has as a company."""
    _live().filter(Q(wallet_id__in=wallet_ids) | Q(company=user)).update(ended_at=CurrentMoment())


def _live(**conditions: object) -> QuerySet[Approval]:
    return Approval.objects.filter(ended_at__isnull=True, **conditions)
