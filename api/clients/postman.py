"""A Postman collection (format 2.1) from the OpenAPI document.

No maintained tool makes one without Node, which the project does not need otherwise.
"""

import json
from collections import defaultdict
from http import HTTPMethod, HTTPStatus
from typing import Any

from api.accounts.sessions import AN_ID, CREDENTIALS
from api.clients.postman_story import STORY, STORY_FOLDER, STORY_VARIABLES, Step
from api.examples import (
    A_PAYTOKEN,
    COMPANY,
    OTHER_ADDRESS,
    OTHER_WALLET,
    PAYMENT_REQUEST,
    TRANSACTION,
    WALLET,
)

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
START = (
    "Start the service with `make run`. The first folder is a story of two demo accounts: run it"
    " from top to bottom. For the other folders sign up or log in first: that stores the token for"
    " all other requests. What they create is stored too: a wallet's token, a charge's transaction,"
    " a pay token, a payment request. Set the variables `otherWallet`, `otherAddress` and `user`"
    " yourself."
)
#: The variables of the collection, and the example values that they replace.
VARIABLES = {
    "baseUrl": "http://127.0.0.1:8000",
    "token": "",
    "email": CREDENTIALS["email"],
    "password": CREDENTIALS["password"],
    "user": AN_ID,
    "wallet": WALLET,
    "otherWallet": OTHER_WALLET,
    "otherAddress": OTHER_ADDRESS,
    "company": COMPANY,
    "transaction": TRANSACTION,
    "paytoken": A_PAYTOKEN,
    "paytokenId": "",
    "approval": "",
    "paymentRequest": PAYMENT_REQUEST,
    "queued": "",
    **STORY_VARIABLES,
}
PATH_VALUES = {
    "token": "{{wallet}}",
    "wallet_id": "{{wallet}}",
    "user_id": "{{user}}",
    "customer_id": "{{user}}",
    "queued_id": "{{queued}}",
    "request_id": "{{paymentRequest}}",
    "paytoken_id": "{{paytokenId}}",
    "approval_id": "{{approval}}",
    "symbol": "GOLD",
    "key": "3f0c8a52-order-1017",
}
#: The variables that a request sets when it succeeds: variable → field of the answer.
VARIABLES_SET = {
    "client_signup": {"token": "token", "user": "customer"},
    "client_login": {"token": "token", "user": "customer"},
    "company_signup": {"token": "token", "user": "company", "company": "company"},
    "company_login": {"token": "token", "user": "company", "company": "company"},
    "wallet_create": {"wallet": "wallet"},
    "wallets_create": {"wallet": "id"},
    "wallet_charge": {"transaction": "transaction"},
    "transaction_queue": {"queued": "id"},
    "paytoken_create": {"paytoken": "paytoken", "paytokenId": "id"},
    "approval_create": {"approval": "approval"},
    "payment_request_create": {"paymentRequest": "id"},
}
#: The folders in the order in which what one needs is made in another.
TAGS = (
    "accounts",
    "wallets by token",
    "wallets as resources",
    "paying safely",
    "payment requests",
    "credits of a platform",
    "intake",
    "service",
)
#: What ends something, without a 204 that would say so.
ENDS = ("payment_request_cancel", "wallet_freeze")
#: Left out of the bodies: each request sends a new key as a header, and the two must not differ.
KEYS_IN_BODY = ("idempotencyKey", "clientTransactionId")
JSON_HEADER = {"key": "Content-Type", "value": "application/json"}


def collection_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the collection: the story, then a folder for each tag.

    In a folder of a tag, requests that create stand first, and those that end something last.
    """
    folders: dict[str, list[dict[str, Any]]] = defaultdict(list)
    operations = [
        (path, HTTPMethod(method.upper()), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for path, method, operation in sorted(operations, key=lambda found: _rank(found[2])):
        folders[operation["tags"][0]].append(_item(path, method, operation))
    return {
        "info": {"name": document["info"]["title"], "description": START, "schema": FORMAT},
        "item": [
            {"name": STORY_FOLDER, "item": _story(operations)},
            *({"name": tag, "item": folders[tag]} for tag in sorted(folders, key=TAGS.index)),
        ],
        "auth": _bearer("token"),
        "variable": [{"key": name, "value": value} for name, value in VARIABLES.items()],
    }


def _rank(operation: dict[str, Any]) -> int:
    if "201" in operation["responses"]:
        return 0
    return 2 if "204" in operation["responses"] or operation["operationId"] in ENDS else 1


def _story(operations: list[tuple[str, HTTPMethod, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the requests of the story: those of the schema, with the values of each step."""
    found = {each[2]["operationId"]: each for each in operations}
    return [_story_item(step, _item(*found[step.operation])) for step in STORY]


def _story_item(step: Step, item: dict[str, Any]) -> dict[str, Any]:
    request = item["request"]
    request["auth"] = {"type": "noauth"} if step.token is None else _bearer(step.token)
    if step.body is not None:
        request["body"]["raw"] = _json(step.body)
    return {
        "name": step.name,
        "request": request,
        "response": item["response"],
        **({"event": [_set_variables(step.variables_set)]} if step.variables_set else {}),
    }


def _bearer(variable: str) -> dict[str, Any]:
    value = f"{{{{{variable}}}}}"
    return {"type": "bearer", "bearer": [{"key": "token", "value": value, "type": "string"}]}


def _item(path: str, method: HTTPMethod, operation: dict[str, Any]) -> dict[str, Any]:
    request = {
        "method": str(method),
        "header": _headers(operation),
        "url": _url(path, operation.get("parameters", [])),
        "description": operation.get("description", ""),
        **({"body": _body(operation)} if "requestBody" in operation else {}),
        **({} if operation.get("security") else {"auth": {"type": "noauth"}}),
    }
    variables_set = VARIABLES_SET.get(operation["operationId"])
    return {
        "name": operation["summary"],
        "request": request,
        "response": [
            example
            for status, response in operation["responses"].items()
            for example in _responses(HTTPStatus(int(status)), response, request)
        ],
        **({"event": [_set_variables(variables_set)]} if variables_set else {}),
    }


def _headers(operation: dict[str, Any]) -> list[dict[str, str]]:
    parameters = {parameter["name"] for parameter in operation.get("parameters", [])}
    return [
        {"key": "Accept", "value": "application/json"},
        *([JSON_HEADER] if "requestBody" in operation else []),
        *([{"key": "Idempotency-Key", "value": "{{$guid}}"}] * ("Idempotency-Key" in parameters)),
    ]


def _url(path: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    parts = [
        f":{part[1:-1]}" if part.startswith("{") else part for part in path.strip("/").split("/")
    ]
    query = [
        {
            "key": parameter["name"],
            "value": str(parameter["schema"].get("default", "")),
            "disabled": True,
        }
        for parameter in parameters
        if parameter["in"] == "query"
    ]
    return {
        "raw": "/".join(["{{baseUrl}}", *parts]),
        "host": ["{{baseUrl}}"],
        "path": parts,
        "variable": [
            {"key": name, "value": PATH_VALUES.get(name, f"<{name}>")}
            for name in (found["name"] for found in parameters if found["in"] == "path")
        ],
        **({"query": query} if query else {}),
    }


def _body(operation: dict[str, Any]) -> dict[str, Any]:
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    example = next(iter(examples.values()))["value"]
    if isinstance(example, dict):
        example = {name: value for name, value in example.items() if name not in KEYS_IN_BODY}
    return {
        "mode": "raw",
        "raw": _json(_with_variables(example)),
        "options": {"raw": {"language": "json"}},
    }


def _with_variables(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_variables(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_variables(part) for part in value]
    names = {example: name for name, example in VARIABLES.items() if example}
    return f"{{{{{names[value]}}}}}" if isinstance(value, str) and value in names else value


def _responses(
    status: HTTPStatus, response: dict[str, Any], request: dict[str, Any]
) -> list[dict[str, Any]]:
    examples = response.get("content", {}).get("application/json", {}).get("examples", {})
    named = [(example.get("summary", name), example["value"]) for name, example in examples.items()]
    return [
        {
            "name": name,
            # In successes only: all answers of an operation are to the same request.
            **({"originalRequest": request} if status < HTTPStatus.BAD_REQUEST else {}),
            # The service's own phrase for errors, which does not depend on the Python version.
            "status": status.phrase if status < HTTPStatus.BAD_REQUEST else value["error"],
            "code": int(status),
            "header": [] if value is None else [JSON_HEADER],
            "body": "" if value is None else _json(value),
            "_postman_previewlanguage": "json",
        }
        for name, value in named or [("Success", None)]
    ]


def _set_variables(fields: dict[str, str]) -> dict[str, Any]:
    """Return the script that runs after the answer and sets variables from its fields."""
    lines = [
        f'    pm.collectionVariables.set("{variable}", pm.response.json().{field});'
        for variable, field in fields.items()
    ]
    script = ["if (pm.response.code < 300) {", *lines, "}"]
    return {"listen": "test", "script": {"type": "text/javascript", "exec": script}}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
