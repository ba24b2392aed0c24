"""The story goes on: what is queued, and what a platform moves between itself and its users."""

from http import HTTPStatus

from api.clients.postman.steps import Step

_USER = {"user_id": "{{client}}"}
_CLIENT = {"account_id": "{{client}}"}
_COMPANY = {"account_id": "{{company}}"}
_PAYER = {"company_id": "{{company}}"}
_LIMITS = {"writes": 6000, "reads": None}
_GOLD = {"userId": "{{client}}", "assetSymbol": "GOLD"}

QUEUE = (
    Step(
        "The client queues a payment to the company",
        "transaction_queue",
        "client",
        {
            "value": "1.00",
            "latency": 1,
            "target": "{{shopAddress}}",
            "description": "Order 1020",
        },
        sets={"queued": "id"},
        answers={"status": "pending"},
    ),
    Step(
        "What became of it?",
        "transaction_get",
        "client",
        path={"queued_id": "{{queued}}"},
        waits_while={"status": "pending"},
        answers={"status": "completed", "failed": False, "errorMessage": None},
        amounts={"value": "1.00"},
    ),
    # It counts what everybody has queued: no number of it is this run's.
    Step("What the processor does", "processor_status", "client"),
)
PLATFORM = (
    Step(
        "The platform sells 100.00 of GOLD",
        "credits_topup",
        "platform",
        {**_GOLD, "amount": "100.00"},
        answers={"type": "TOPUP"},
        amounts={"amount": "100.00", "balance": "100.00"},
    ),
    Step(
        "It gives 10.00 for nothing",
        "credits_bonus",
        "platform",
        {**_GOLD, "amount": "10.00"},
        answers={"type": "BONUS"},
        amounts={"amount": "10.00", "balance": "110.00"},
    ),
    Step(
        "The client spends 30.00",
        "credits_spend",
        "client",
        {**_GOLD, "amount": "30.00"},
        answers={"type": "SPEND"},
        amounts={"amount": "30.00", "balance": "80.00"},
    ),
    Step(
        "A client does not give credits to anybody",
        "credits_topup",
        "client",
        {**_GOLD, "amount": "100.00"},
        status=HTTPStatus.FORBIDDEN,
        code="permission_denied",
    ),
    Step(
        "How much GOLD the client has",
        "credits_balance",
        "platform",
        path={**_USER, "symbol": "GOLD"},
        amounts={"balance": "80.00", "locked": "0.00", "available": "80.00"},
    ),
    Step(
        "All that the client has",
        "credits_balances",
        "platform",
        path=_USER,
        answers={"userId": "{{client}}", "balances.length": 2},
    ),
    Step(
        "What was moved",
        "credits_transactions",
        "platform",
        path=_USER,
        query={"limit": "3"},
        answers={"data[0].type": "SPEND", "data[1].type": "BONUS", "data[2].type": "TOPUP"},
        amounts={"data[0].amount": "30.00"},
    ),
    Step(
        "Both sides of it in the ledger",
        "credits_ledger",
        "client",
        path=_USER,
        query={"limit": "2"},
        answers={"data[0].assetSymbol": "GOLD", "data[1].assetSymbol": "GOLD"},
        amounts={"data[0].amount": "30.00", "data[1].amount": "30.00"},
    ),
    Step(
        "A sale and what is bought with it: both, or neither",
        "credits_group",
        "platform",
        {
            "operations": [
                {"type": "topup", **_GOLD, "amount": "5.00"},
                {"type": "spend", **_GOLD, "amount": "5.00"},
            ]
        },
        answers={"operations[0].type": "TOPUP", "operations[1].type": "SPEND"},
        amounts={"operations[0].balance": "85.00", "operations[1].balance": "80.00"},
    ),
)
LIMITS = (
    Step(
        "The platform gives the company its own limits",
        "company_limits_set",
        "platform",
        _LIMITS,
        path=_COMPANY,
        answers=_LIMITS,
    ),
    Step(
        "The company's limits",
        "company_limits_get",
        "platform",
        path=_COMPANY,
        answers=_LIMITS,
    ),
    Step("And takes them back", "company_limits_remove", "platform", path=_COMPANY),
    Step(
        "The client's own limits",
        "customer_limits_set",
        "platform",
        _LIMITS,
        path=_CLIENT,
        answers=_LIMITS,
    ),
    Step(
        "Are read",
        "customer_limits_get",
        "platform",
        path=_CLIENT,
        answers=_LIMITS,
    ),
    Step("And taken back", "customer_limits_remove", "platform", path=_CLIENT),
)
FEES = (
    Step(
        "The platform has the company pay a fee",
        "company_fee_set",
        "platform",
        {"percent": "2.5", "fixed": "0.30"},
        path=_PAYER,
        answers={"percent": "2.5", "min": None, "max": None},
        amounts={"fixed": "0.30"},
    ),
    Step(
        "The company sees what it pays",
        "company_fee_get",
        "company",
        path=_PAYER,
        answers={"percent": "2.5"},
    ),
    Step("And pays none any more", "company_fee_remove", "platform", path=_PAYER),
)
