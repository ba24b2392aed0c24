"""The first folder of the Postman collection: two demo accounts pay each other safely.

Each step is a request of the schema, sent as one of the two, with values of its own.
"""

from typing import Any, NamedTuple

from ops.demo import PASSWORD, email_of

STORY_FOLDER = "a story: ask, scan, pay, refund"
#: The variables of the collection that only the story uses.
STORY_VARIABLES = {
    "demoPassword": PASSWORD,
    "shopEmail": email_of("shop"),
    "shopToken": "",
    "payerEmail": email_of("rich"),
    "payerToken": "",
    "payerWallet": "",
}


class Step(NamedTuple):
    """A request of the story.

    `operation` is its id in the schema; `token` the variable of who sends it, None without one;
    `body` replaces the example's; `variables_set` maps a variable to the field of the answer.
    """

    name: str
    operation: str
    token: str | None
    body: dict[str, Any] | None = None
    variables_set: dict[str, str] | None = None


STORY = (
    Step(
        "The shop logs in",
        "company_login",
        None,
        {"email": "{{shopEmail}}", "password": "{{demoPassword}}"},
        {"shopToken": "token"},
    ),
    Step(
        "The payer logs in",
        "client_login",
        None,
        {"email": "{{payerEmail}}", "password": "{{demoPassword}}"},
        {"payerToken": "token"},
    ),
    Step(
        "The payer opens a wallet for shopping",
        "wallets_create",
        "payerToken",
        {"currency": "USD", "balance": "100.00"},
        {"payerWallet": "id"},
    ),
    Step(
        "Ask: the shop makes a payment request",
        "payment_request_create",
        "shopToken",
        {
            "summary": "Two coffees and a cake",
            "amount": "12.50",
            "reference": "order-1017",
            "tips": True,
        },
        {"paymentRequest": "id"},
    ),
    Step("Scan: who has its id sees what is asked", "payment_request_get", None),
    Step(
        "Pay: the payer pays it, with a tip",
        "payment_request_pay",
        "payerToken",
        {"wallet": "{{payerWallet}}", "tip": "1.50"},
        {"transaction": "transaction"},
    ),
    Step(
        "Refund: the shop gives a part back",
        "wallet_refund",
        "shopToken",
        {"transaction": "{{transaction}}", "amount": "2.50", "summary": "One returned"},
    ),
    Step(
        "Show: the payer makes a pay token",
        "paytoken_create",
        "payerToken",
        {"wallet": "{{payerWallet}}", "max_amount": "20.00"},
        {"paytoken": "paytoken"},
    ),
    Step(
        "Charge: the shop charges by the pay token",
        "wallet_charge",
        "shopToken",
        {"paytoken": "{{paytoken}}", "amount": "3.00", "summary": "Tea"},
    ),
    Step(
        "Once: the pay token has been used",
        "wallet_charge",
        "shopToken",
        {"paytoken": "{{paytoken}}", "amount": "3.00", "summary": "Tea, again"},
    ),
)
