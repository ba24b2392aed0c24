"""The story goes on: a company sets money aside, takes a part of it and leaves the rest."""

from http import HTTPStatus

from api.clients.postman.steps import Step

_HOLD = {"hold_id": "{{hold}}"}

HOLDS = (
    Step(
        "The client shows a pay token for a stay",
        "paytoken_create",
        "client",
        {"wallet": "{{wallet}}", "max_amount": "30.00"},
        sets={"paytoken": "paytoken"},
        amounts={"max_amount": "30.00"},
    ),
    Step(
        "The company sets 20.00 aside",
        "hold_create",
        "company",
        {
            "paytoken": "{{paytoken}}",
            "amount": "20.00",
            "summary": "Room 12, two nights",
            "reference": "booking-4711",
            "expires_in": 86_400,
        },
        sets={"hold": "hold"},
        answers={"status": "active"},
        amounts={"amount": "20.00", "remaining": "20.00"},
    ),
    Step(
        "The balance stays, less of it is available",
        "wallet_info",
        "client",
        path={"token": "{{wallet}}"},
        amounts={"balance": "71.00", "available": "51.00"},
    ),
    Step(
        "A longer stay: more is set aside",
        "hold_increment",
        "company",
        {"amount": "5.00"},
        path=_HOLD,
        amounts={"amount": "25.00", "remaining": "25.00"},
    ),
    Step(
        "Not above what the pay token allows",
        "hold_increment",
        "company",
        {"amount": "5.01"},
        path=_HOLD,
        status=HTTPStatus.BAD_REQUEST,
        code="paytoken_exceeded",
    ),
    Step(
        "The company takes a part, and keeps the rest set aside",
        "hold_capture",
        "company",
        {"amount": "10.00", "final": False},
        path=_HOLD,
        sets={"transaction": "transaction"},
        answers={"status": "active"},
        amounts={"captured": "10.00", "remaining": "15.00", "balance": "54.00", "fee": "0.00"},
    ),
    Step(
        "The client sees the hold, not the company's own words",
        "hold_get",
        "client",
        path=_HOLD,
        answers={"status": "active", "reference": None},
        amounts={"captured": "10.00", "remaining": "15.00"},
    ),
    Step(
        "The company releases what remains",
        "hold_void",
        "company",
        path=_HOLD,
        answers={"status": "voided"},
        amounts={"captured": "10.00", "remaining": "0.00"},
    ),
    Step(
        "After that nothing can be taken",
        "hold_capture",
        "company",
        path=_HOLD,
        status=HTTPStatus.CONFLICT,
        code="hold_not_active",
    ),
    Step(
        "What was captured is given back like a charge",
        "wallet_refund",
        "company",
        {"transaction": "{{transaction}}", "summary": "The room was cold", "fee": "return"},
        amounts={"balance": "44.00", "refunded": "10.00", "fee_returned": "0.00"},
    ),
    Step(
        "The company's holds",
        "hold_list",
        "company",
        answers={"[0].hold": "{{hold}}", "[0].status": "voided"},
        amounts={"[0].amount": "25.00"},
    ),
)
