"""Payment requests: somebody asks for money, and whoever has the request's id pays it, once.

A company's request is paid by a charge, which it can refund; a client's by a transfer.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet
from psycopg.types.numeric import Int8

from accounts.models import Role, User
from commerce.models import PaymentRequest, RequestStatus
from commerce.movements import move
from commerce.splits import CheckedSplit, Split, check_splits, refuse_excess, with_splits
from core.connections.fixed_query import FixedQuery
from core.connections.prepared import prepared_cursor
from core.database_time import CurrentMoment, current_moment, moment_in
from core.errors import InvalidInput, NotFound, PermissionDenied, StateConflict
from core.idempotency import Answer, Claim
from core.keyset import newest_page
from core.money import MAX_AMOUNT_MINOR
from core.unit_of_work import requires_unit_of_work
from ledger.kinds import Kind
from ledger.orders import Order, Outcome
from ledger.post_once import AnswerTemplate, post_once
from wallets.assets import amount_minor, optional_amount_minor
from wallets.errors import SameWallet, WalletNotFound
from wallets.references import own_cash_wallet_ref, ref_of
from wallets.selectors import default_cash_wallet, unclosed_wallet
from wallets.services import lock_owner, lock_wallets

_BY_ID = FixedQuery(PaymentRequest, "WHERE id = %s", extra=["current_moment()"])
#: What a payment has to know of its request, of that wallet, and of the payer's wallet.
_TO_PAY = """
    SELECT r.wallet_id, r.payee_id, r.amount_minor, r.takes_tips, r.summary, r.status,
           r.expires_at <= current_moment(), r.splits, w.asset_id, w.owner_role,
           EXISTS (SELECT FROM wallets_wallet WHERE id = %s AND owner_id = %s)
      FROM commerce_paymentrequest r JOIN wallets_wallet w ON w.id = r.wallet_id
     WHERE r.id = %s
"""
LONGEST_SECONDS = 30 * 86_400
# None is open for longer: this bounds what is read of the index of a payee who asked for years.
_IS_OPEN = Q(
    status=RequestStatus.OPEN,
    expires_at__gt=CurrentMoment(),
    created_at__gt=CurrentMoment() - timedelta(seconds=LONGEST_SECONDS + 86_400),
)
_HAS_STATUS = {
    RequestStatus.OPEN: _IS_OPEN,
    RequestStatus.EXPIRED: Q(status=RequestStatus.OPEN, expires_at__lte=CurrentMoment()),
    RequestStatus.PAID: Q(status=RequestStatus.PAID),
    RequestStatus.CANCELLED: Q(status=RequestStatus.CANCELLED),
}
#: What `pay_request_once` raises when the request is not open any more.
_NOT_OPEN = "PR001"


class PaymentRequestNotFound(NotFound):
    message = "There is no such payment request."


class PaymentRequestPaid(StateConflict):
    code = "payment_request_paid"
    message = "This payment request has been paid."


class PaymentRequestExpired(StateConflict):
    code = "payment_request_expired"
    message = "This payment request has expired: ask for a new one."


class PaymentRequestCancelled(StateConflict):
    code = "payment_request_cancelled"
    message = "This payment request was cancelled."


REFUSAL_OF_STATUS: dict[str, type[StateConflict]] = {
    RequestStatus.PAID: PaymentRequestPaid,
    RequestStatus.EXPIRED: PaymentRequestExpired,
    RequestStatus.CANCELLED: PaymentRequestCancelled,
}


@requires_unit_of_work
def create_payment_request(
    payee: User,
    *,
    summary: str,
    amount: str | None = None,
    wallet_id: uuid.UUID | None = None,
    reference: str | None = None,
    metadata: Mapping[str, str] | None = None,
    takes_tips: bool = False,
    splits: Sequence[Split] = (),
    expires_in: int,
) -> PaymentRequest:
    """Ask for money into a cash wallet of the payee's; by default into the oldest.

    `amount` is a plain decimal of the wallet's currency; without it the payer names one.
    `splits` of what is paid go on to others. `expires_in` is in seconds. Raises `WalletNotFound`,
    `NotCash`, `NoWallet`, `WalletClosed`, `InvalidInput`, `AmountNotPositive`, what `check_splits`
    does, and `SplitsExceedAmount` when they are more than what the fee of today leaves.
    """
    if payee.role != Role.COMPANY:
        if takes_tips:
            raise InvalidInput({"tips": ["Only companies take tips."]})
        if splits:
            raise InvalidInput({"splits": ["Only companies split what they are paid."]})
    lock_owner(payee)
    if wallet_id is None:
        wallet = default_cash_wallet(payee)
    else:
        wallet = unclosed_wallet(own_cash_wallet_ref(payee, wallet_id).id)
    asked_minor = optional_amount_minor(amount, wallet.asset_id)
    checked = check_splits(splits, ref_of(wallet))
    if checked and asked_minor is not None:
        refuse_excess(checked, wallet.id, asked_minor)
    return PaymentRequest.objects.create(
        payee=payee,
        wallet=wallet,
        amount_minor=asked_minor,
        splits=[[str(split.wallet_id), split.amount_minor] for split in checked],
        takes_tips=takes_tips,
        summary=summary,
        reference=reference,
        metadata=dict(metadata or {}),
        expires_at=moment_in(expires_in),
    )


def find_payment_request(request_id: uuid.UUID) -> PaymentRequest:
    """Return a request. One whose time is over has the status `EXPIRED`.

    Raises `PaymentRequestNotFound`.
    """
    return _find(request_id)[0]


def _find(request_id: uuid.UUID) -> tuple[PaymentRequest, datetime]:
    """Return the request, and the moment at which it was looked at."""
    found = _BY_ID.first_with_extra(request_id)
    if found is None:
        raise PaymentRequestNotFound
    request, [moment] = found
    show_expired(request, moment)
    return request, moment


def show_expired(request: PaymentRequest, moment: datetime) -> None:
    """Show an open request as expired if its time was over at that moment."""
    if request.status == RequestStatus.OPEN and request.expires_at <= moment:
        request.status = RequestStatus.EXPIRED


def requests_of(
    payee: User, *, limit: int, cursor: uuid.UUID | None = None, status: str | None = None
) -> tuple[list[PaymentRequest], uuid.UUID | None]:
    """Return a page of the payee's requests, newest first, and the cursor of the next page.

    `cursor` is the id of the last request of the page before; `InvalidInput` for another. Statuses
    are as in `find_payment_request`.
    """
    own = PaymentRequest.objects.filter(payee_id=payee.pk)
    rows: QuerySet[Any] = own.annotate(moment=CurrentMoment())
    if status is not None:
        rows = rows.filter(_HAS_STATUS[RequestStatus(status)])
    page, next_cursor = newest_page(
        rows.select_related("payee__client", "payee__company"),
        cursors=own,
        limit=limit,
        cursor=cursor,
    )
    for request in page:
        show_expired(request, request.moment)
    return page, next_cursor


@dataclass(frozen=True)
class Payment:
    """What a payer wants to pay a request with.

    Amounts are plain decimals: `amount` where the request names none, `tip` where it takes tips.
    """

    payer: User
    request_id: uuid.UUID
    wallet_id: uuid.UUID
    amount: str | None = None
    tip: str | None = None

    @cached_property
    def _asked(self) -> "_Asked":
        with prepared_cursor() as cursor:
            cursor.execute(_TO_PAY, [self.wallet_id, self.payer.pk, self.request_id])
            row = cursor.fetchone()
        if row is None:
            raise PaymentRequestNotFound
        return _Asked(*row)

    def order(self) -> Order:
        """Order the payment: one movement of amount and tip.

        Raises `PaymentRequestNotFound`, `PaymentRequestPaid`, `PaymentRequestExpired`,
        `PaymentRequestCancelled`, `WalletNotFound`, `SameWallet` (the payer's own request),
        `InvalidInput` and `AmountNotPositive`.
        """
        asked = self._asked
        _refuse_unless_open(asked.current_status)
        if not asked.is_payers_wallet:
            raise WalletNotFound
        if asked.payee_id == self.payer.pk:
            raise SameWallet("This payment request is your own.")
        paid_minor = self._amount_minor + self._tip_minor
        if paid_minor > MAX_AMOUNT_MINOR:
            raise InvalidInput({"tip": ["Too large."]})
        order = Order(
            Kind.CHARGE if asked.owner_role == Role.COMPANY else Kind.TRANSFER,
            self.wallet_id,
            asked.wallet_id,
            paid_minor,
            asked.asset_id,
            summary=asked.summary,
            actor_id=self.payer.pk,
            payment_request_id=self.request_id,
        )
        return with_splits(order, asked.splits_to_pay)

    @requires_unit_of_work
    def move(self, order: Order, actor: User) -> Outcome:
        """Pay the request, if it is still open. Raises as `commerce.movements.move` and `order`."""
        # All of them at once: one after the other would not be in the order of their ids.
        lock_wallets([side for each in order.group for side in (each.source_id, each.target_id)])
        request, moment = _find(self.request_id)
        _refuse_unless_open(request.status)
        outcome = move(order, actor)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT settle_payment_request(%s, %s, %s, %s, %s, %s, %s)",
                [
                    request.id,
                    moment,
                    outcome.transaction_id,
                    order.source_id,
                    order.amount_minor,
                    self._tip_minor,
                    outcome.fee_minor,
                ],
            )
            if cursor.fetchone() != (True,):
                raise RuntimeError("A payment request ended without the lock of its wallet.")
        return outcome

    def post_once(
        self,
        order: Order,
        template: AnswerTemplate,
        claim: Claim | None,
        *,
        unverified_digest: str | None = None,
    ) -> Answer | None:
        """Pay the request in one trip, as `ledger.post_once.post_once` carries out an order."""
        try:
            return post_once(
                order,
                template,
                claim,
                unverified_digest=unverified_digest,
                function="pay_request_once",
                more_values=[Int8(self._tip_minor)],
            )
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", None) != _NOT_OPEN:
                raise
            return None

    @cached_property
    def _amount_minor(self) -> int:
        asked_minor = self._asked.amount_minor
        if asked_minor is not None:
            if self.amount is not None:
                raise InvalidInput({"amount": ["The payment request names its amount."]})
            return asked_minor
        if self.amount is None:
            raise InvalidInput({"amount": ["The payment request leaves the amount to the payer."]})
        return amount_minor(self.amount, self._asked.asset_id)

    @cached_property
    def _tip_minor(self) -> int:
        if self.tip is None:
            return 0
        if not self._asked.takes_tips:
            raise InvalidInput({"tip": ["This payment request takes no tips."]})
        return amount_minor(self.tip, self._asked.asset_id, field="tip")


class _Asked(NamedTuple):
    """A row of `_TO_PAY`."""

    wallet_id: uuid.UUID
    payee_id: uuid.UUID
    amount_minor: int | None
    takes_tips: bool
    summary: str
    status: str
    is_over: bool
    splits: list[tuple[str, int]]
    asset_id: str
    owner_role: str
    is_payers_wallet: bool

    @property
    def current_status(self) -> str:
        """`expired` for one that is open and whose time is over."""
        is_open = self.status == RequestStatus.OPEN
        return RequestStatus.EXPIRED if is_open and self.is_over else self.status

    @property
    def splits_to_pay(self) -> list[CheckedSplit]:
        return [
            CheckedSplit(uuid.UUID(wallet_id), split_minor)
            for wallet_id, split_minor in self.splits
        ]


@requires_unit_of_work
def cancel_payment_request(payee: User, request_id: uuid.UUID) -> PaymentRequest:
    """Cancel an open request of the payee's and return it.

    Raises `PaymentRequestNotFound`, `PermissionDenied` (another's) and, when it has ended, what
    `Payment.order` does.
    """
    request = find_payment_request(request_id)
    if request.payee_id != payee.pk:
        raise PermissionDenied
    lock_wallets([request.wallet_id])
    request, moment = _find(request_id)
    _refuse_unless_open(request.status)
    PaymentRequest.objects.filter(pk=request_id).update(
        status=RequestStatus.CANCELLED, cancelled_at=moment
    )
    return find_payment_request(request_id)


@requires_unit_of_work
def cancel_all(payee: User) -> None:
    """Cancel the open requests of somebody who leaves; the payee's wallets are locked."""
    moment = current_moment()
    PaymentRequest.objects.filter(_IS_OPEN, payee=payee, expires_at__gt=moment).update(
        status=RequestStatus.CANCELLED, cancelled_at=moment
    )


def _refuse_unless_open(status: str) -> None:
    refusal = REFUSAL_OF_STATUS.get(status)
    if refusal is not None:
        raise refusal
