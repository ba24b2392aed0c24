"""Pay tokens and payment requests, made by the thousand before they are used over HTTP."""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bench import wrk
from bench.actors import Actors, for_wrk
from bench.calls import Service
from bench.rows import Row, Sample
from commerce.models import PaymentRequest
from core.unit_of_work import unit_of_work
from wallets.models import MAX_USES, PayToken

#: More than any machine pays.
REQUESTS_PER_SECOND = 5_000
_LIFE = timedelta(days=1)
_BATCH = 5_000


def rows(service: Service, actors: Actors, *, measurements: int) -> list[Row]:
    """Return the charge by a pay token of a random payer, and the payment of a request.

    The requests suffice for so many measurements: each is paid once.
    """
    paytokens = wrk.write_data(
        service.data.with_name("paytokens.lua"),
        {"paytokens": _paytokens(actors.payers), "companies": for_wrk(actors.companies)},
    )
    requests = service.data.with_name("requests.lua")
    at_once = round(service.seconds * REQUESTS_PER_SECOND)
    unpaid = _payment_requests(actors, count=measurements * at_once)

    def pay() -> Sample:
        ids = [unpaid.pop() for _ in range(at_once)]
        wrk.write_data(requests, {"requests": ids, "clients": for_wrk(actors.clients)})
        return service.measure("request", requests)

    return [
        Row(
            "http.paytoken",
            "POST /wallet/charge by a pay token, random merchants",
            lambda: service.measure("paytoken", paytokens),
        ),
        Row("http.request", "POST /payment-requests/…/pay, random payees", pay),
    ]


def _paytokens(payers: Sequence[uuid.UUID]) -> list[str]:
    """Make one for each payer, good for as many uses as one can have; return their texts."""
    texts = [f"pt_{secrets.token_urlsafe(32)}" for _ in payers]
    made = [
        PayToken(
            wallet_id=payer,
            uses=MAX_USES,
            uses_left=MAX_USES,
            salt=b"",
            digest=hashlib.sha256(text.encode()).digest(),
            expires_at=datetime.now(UTC) + _LIFE,
        )
        for payer, text in zip(payers, texts, strict=True)
    ]
    unit_of_work(lambda: PayToken.objects.bulk_create(made, batch_size=_BATCH))
    return texts


def _payment_requests(actors: Actors, count: int) -> list[str]:
    """Make as many of the companies', of one cent each; return their ids."""
    companies = actors.companies
    made = [
        PaymentRequest(
            payee_id=payee.id,
            wallet_id=payee.wallet,
            amount_minor=1,
            summary="Order 1017",
            expires_at=datetime.now(UTC) + _LIFE,
        )
        for payee in (companies[n % len(companies)] for n in range(count))
    ]
    unit_of_work(lambda: PaymentRequest.objects.bulk_create(made, batch_size=_BATCH))
    return [str(each.id) for each in made]
