"""The story goes on: a company charges a client, who decides how, and asks to be paid."""

from http import HTTPStatus

from api.clients.postman.steps import Step

_REQUEST = {"request_id": "{{request}}"}

CHARGES = (
    Step(
        "The client approves the company",
        "approval_create",
        "client",
        {
            "wallet": "{{wallet}}",
            "company": "{{company}}",
            "max_amount": "50.00",
            "max_per_day": "100.00",
        },
        sets={"approval": "approval"},
        amounts={"max_amount": "50.00", "max_per_day": "100.00"},
    ),
    Step(
        "Whom the client lets charge",
        "approval_list",
        "client",
        answers={"[0].approval": "{{approval}}"},
        amounts={"[0].max_amount": "50.00"},
    ),
    Step(
        "What would a charge by the wallet's token answer? Nothing of it is kept",
        "wallet_charge",
        "company",
        {"wallet": "{{wallet}}", "amount": "12.50", "summary": "Order 1017"},
        headers={"Dry-Run": "true"},
        answers={"transaction": None},
        answer_headers={"Dry-Run": "true"},
    ),
    Step(
        "The company charges the wallet by its token",
        "wallet_charge",
        "company",
        {"wallet": "{{wallet}}", "amount": "12.50", "summary": "Order 1017"},
        sets={"transaction": "transaction"},
        amounts={"balance": "27.50"},
    ),
    Step(
        "More than the client approved is refused",
        "wallet_charge",
        "company",
        {"wallet": "{{wallet}}", "amount": "50.01", "summary": "Order 1018"},
        status=HTTPStatus.FORBIDDEN,
        code="approval_exceeded",
    ),
    Step(
        "The company gives 2.50 back",
        "wallet_refund",
        "company",
        {"transaction": "{{transaction}}", "amount": "2.50", "summary": "One returned"},
        amounts={"balance": "25.00", "refunded": "2.50"},
    ),
    Step(
        "The client shows a pay token",
        "paytoken_create",
        "client",
        {"wallet": "{{wallet}}", "max_amount": "20.00", "company": "{{company}}"},
        sets={"paytoken": "paytoken", "paytokenId": "id"},
        amounts={"max_amount": "20.00"},
    ),
    Step(
        "The client's pay tokens",
        "paytoken_list",
        "client",
        answers={"[0].id": "{{paytokenId}}"},
        amounts={"[0].max_amount": "20.00"},
    ),
    Step(
        "The company charges by the pay token",
        "wallet_charge",
        "company",
        {"paytoken": "{{paytoken}}", "amount": "3.00", "summary": "Tea"},
        amounts={"balance": "28.00"},
    ),
    Step(
        "A pay token is good for one charge",
        "wallet_charge",
        "company",
        {"paytoken": "{{paytoken}}", "amount": "3.00", "summary": "Tea, again"},
        status=HTTPStatus.CONFLICT,
        code="paytoken_used",
    ),
    Step(
        "Many charges, each for itself",
        "wallet_charges",
        "company",
        {
            "charges": [
                {"wallet": "{{wallet}}", "amount": "2.00", "summary": "May", "reference": "a-1"},
                {"wallet": "{{savings}}", "amount": "999.00", "summary": "May"},
            ]
        },
        answers={
            "results[0].success": True,
            "results[1].success": False,
            "results[1].code": "insufficient_funds",
        },
        amounts={"balance": "30.00"},
    ),
    Step(
        "A second pay token",
        "paytoken_create",
        "client",
        {"wallet": "{{wallet}}"},
        sets={"paytokenId": "id"},
    ),
    Step(
        "Is revoked before it is used",
        "paytoken_revoke",
        "client",
        path={"paytoken_id": "{{paytokenId}}"},
    ),
    Step(
        "The client takes the approval back",
        "approval_revoke",
        "client",
        path={"approval_id": "{{approval}}"},
    ),
    Step(
        "Without it the wallet's token charges nothing",
        "wallet_charge",
        "company",
        {"wallet": "{{wallet}}", "amount": "1.00", "summary": "Order 1019"},
        status=HTTPStatus.FORBIDDEN,
        code="charge_not_approved",
    ),
)
REQUESTS = (
    Step(
        "Ask: the company makes a payment request",
        "payment_request_create",
        "company",
        {
            "summary": "Two coffees and a cake",
            "amount": "12.50",
            "reference": "order-1017",
            "tips": True,
        },
        sets={"request": "id"},
        answers={"status": "open"},
        amounts={"amount": "12.50"},
    ),
    Step(
        "Scan: who has its id sees what is asked",
        "payment_request_get",
        path=_REQUEST,
        answers={"status": "open", "summary": "Two coffees and a cake", "reference": None},
        amounts={"amount": "12.50"},
    ),
    Step(
        "Pay: the client pays it, with a tip",
        "payment_request_pay",
        "client",
        {"wallet": "{{wallet}}", "tip": "1.50"},
        path=_REQUEST,
        amounts={"balance": "71.00"},
    ),
    Step(
        "It is paid once",
        "payment_request_pay",
        "client",
        {"wallet": "{{wallet}}"},
        path=_REQUEST,
        status=HTTPStatus.CONFLICT,
        code="payment_request_paid",
    ),
    Step(
        "Another payment request",
        "payment_request_create",
        "company",
        {"summary": "A mistake", "amount": "99.00"},
        sets={"request": "id"},
        answers={"status": "open"},
        amounts={"amount": "99.00"},
    ),
    Step(
        "Is cancelled",
        "payment_request_cancel",
        "company",
        path=_REQUEST,
        answers={"status": "cancelled"},
        amounts={"amount": "99.00"},
    ),
    Step(
        "What the company asked for",
        "payment_request_list",
        "company",
        answers={"[0].status": "cancelled", "[1].status": "paid"},
        amounts={"[0].amount": "99.00", "[1].paid_amount": "14.00", "[1].tip": "1.50"},
    ),
)
