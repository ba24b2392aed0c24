"""A process that makes a charge under an idempotency key and waits before its commit."""

import sys
from uuid import UUID

from django.db import connection

from accounts.models import User
from commerce.charges import order_charge
from commerce.movements import move
from core.idempotency import Answer, Claim, answer_once, fingerprint_of
from core.unit_of_work import unit_of_work

OPERATION = "POST /wallet/charge"


def main(database: str, role: str, company_id: str, payer_id: str, key: str) -> None:
    """Charge 10.00, print READY and the id of the backend, and wait for a line before the commit.

    Requires that Django is set up; connects to `database` as `role`.
    """
    connection.settings_dict.update(NAME=database, USER=role)
    body = {"wallet": payer_id, "amount": "10.00", "summary": "Tea"}
    claim = Claim(UUID(company_id), key, OPERATION, fingerprint_of(OPERATION, body))

    def work() -> Answer:
        company = User.objects.get(pk=company_id)
        outcome = move(
            order_charge(company, payer=UUID(payer_id), amount="10.00", summary="Tea"), company
        )
        return Answer(200, b"{}", outcome.transaction_id)

    def unit() -> None:
        answer_once(claim, work)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [(backend,)] = cursor.fetchall()
        sys.stdout.write(f"READY {backend}\n")
        sys.stdout.flush()
        sys.stdin.readline()

    unit_of_work(unit)
