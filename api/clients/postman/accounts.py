"""The story begins: is the service there, and who has an account? And it ends: they leave."""

from http import HTTPStatus

from api.clients.postman.steps import Step

PASSWORD = "correct-horse-7"  # noqa: S105 - of accounts that a run makes
NEW_PASSWORD = "battery-staple-9"  # noqa: S105
_ADA = {"first_name": "Ada", "last_name": "Lovelace", "phone_number": "+34666666666"}
_SHOP = {"name": "Corner Shop", "url": "https://shop.example.com", **_ADA}
_LOG_IN = {"email": "{{clientEmail}}", "password": PASSWORD}
_COMPANY_LOG_IN = {"email": "{{companyEmail}}", "password": PASSWORD}
_CHANGE = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
_CLIENT = {"customer_id": "{{client}}"}
_LEAVER = {"customer_id": "{{leaver}}"}

SERVICE = (
    Step("Is the process alive?", "status", answers={"status": "ok"}),
    Step("Can money move?", "health", answers={"status": "ok", "database": "ok"}),
    Step("Which assets are there?", "assets", answers={"[0].cash": True}),
)
ACCOUNTS = (
    Step(
        "A client signs up",
        "client_signup",
        body={**_LOG_IN, "client": _ADA},
        begins={"clientEmail": "ada-{{$guid}}@example.com"},
        sets={"clientToken": "token", "client": "customer"},
    ),
    Step(
        "A company signs up",
        "company_signup",
        body={**_COMPANY_LOG_IN, "company": _SHOP},
        begins={"companyEmail": "shop-{{$guid}}@example.com"},
        sets={"companyToken": "token", "company": "company"},
    ),
    Step(
        "The client logs in",
        "client_login",
        body=_LOG_IN,
        answers={"customer": "{{client}}"},
        sets={"clientToken": "token"},
    ),
    Step(
        "The company logs in",
        "company_login",
        body=_COMPANY_LOG_IN,
        answers={"company": "{{company}}"},
        sets={"companyToken": "token"},
    ),
    Step(
        "A wrong password is refused",
        "client_login",
        body={"email": "{{clientEmail}}", "password": "not-the-password"},
        status=HTTPStatus.UNAUTHORIZED,
        code="invalid_credentials",
    ),
    Step(
        "Whose token is it?",
        "me",
        "client",
        answers={"id": "{{client}}", "kind": "client", "name": "Ada Lovelace"},
    ),
    Step(
        "The client sees the own name and balance",
        "customer_get",
        "client",
        path=_CLIENT,
        answers={"name": "Ada Lovelace"},
        amounts={"balance": "0.00"},
    ),
    Step(
        "Without a token there is no balance",
        "customer_get",
        path=_CLIENT,
        answers={"name": "Ada Lovelace"},
    ),
    Step(
        "The client changes the own name",
        "customer_change",
        "client",
        path=_CLIENT,
        body={"first_name": "Augusta"},
        answers={"name": "Augusta Lovelace"},
    ),
)
ENDINGS = (
    Step(
        "The client freezes the second wallet",
        "wallet_freeze",
        "client",
        {"wallet": "{{savings}}", "reason": "I lost my phone"},
        answers={"status": "frozen"},
        amounts={"balance": "115.00"},
    ),
    Step(
        "From then on it pays nothing",
        "wallet_withdraw",
        "client",
        {"wallet": "{{savings}}", "amount": "1.00"},
        status=HTTPStatus.CONFLICT,
        code="wallet_not_active",
    ),
    Step(
        "A customer with money cannot be deleted",
        "customer_remove",
        "client",
        path=_CLIENT,
        status=HTTPStatus.CONFLICT,
        code="balance_not_zero",
    ),
    Step(
        "The client exports all that there is about them",
        "customer_export",
        "client",
        path=_CLIENT,
        answers={"customer.id": "{{client}}", "customer.first_name": "Augusta"},
    ),
    Step(
        "Somebody signs up",
        "client_signup",
        body={"email": "{{leaverEmail}}", "password": PASSWORD, "client": _ADA},
        begins={"leaverEmail": "leaver-{{$guid}}@example.com"},
        sets={"leaverToken": "token", "leaver": "customer"},
    ),
    Step("And leaves: the account is deleted", "customer_remove", "leaver", path=_LEAVER),
    Step(
        "Who has left is no longer there",
        "customer_get",
        path=_LEAVER,
        status=HTTPStatus.NOT_FOUND,
        code="not_found",
    ),
    Step(
        "The client asks for a mail to reset the password",
        "password_reset",
        body={"email": "{{clientEmail}}"},
        answers={"status": "accepted"},
    ),
    Step(
        "Only the token of that mail sets a new one",
        "password_reset_confirm",
        body={
            "uid": "{{client}}",
            "token": "d1abcd-0123456789abcdef0123456789abcdef",
            "new_password": NEW_PASSWORD,
        },
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        code="validation_error",
    ),
    Step("The client changes the password", "client_change_password", "client", _CHANGE),
    Step("The company changes the password", "company_change_password", "company", _CHANGE),
    Step("The client logs out", "client_logout", "client"),
    Step("The company logs out", "company_logout", "company"),
    Step(
        "A token that was logged out is refused",
        "wallet_list",
        "client",
        status=HTTPStatus.UNAUTHORIZED,
        code="invalid_token",
    ),
    Step(
        "The client logs in by the new password",
        "client_login",
        body={**_LOG_IN, "password": NEW_PASSWORD},
        answers={"customer": "{{client}}"},
        sets={"clientToken": "token"},
    ),
    Step(
        "The company logs in by the new password",
        "company_login",
        body={**_COMPANY_LOG_IN, "password": NEW_PASSWORD},
        answers={"company": "{{company}}"},
        sets={"companyToken": "token"},
    ),
    Step("The client logs out everywhere", "client_logout_everywhere", "client"),
    Step("The company logs out everywhere", "company_logout_everywhere", "company"),
)
