"""The collection from the OpenAPI document and the story.

No maintained tool makes one without Node, which the project does not need otherwise.
"""

from http import HTTPMethod, HTTPStatus
from typing import Any, NamedTuple

from api.clients.postman.steps import Step, events_of
from api.clients.postman.story import CHAPTERS, GIVEN, STEPS
from api.http.renderer import render_json_text

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
START = (
    "Start the service with `make run`, then run the whole collection from top to bottom: a client"
    " and a company sign up, move money, and leave. Every request is tested, and each run makes new"
    " accounts.\n\nChapters 9 and 10 are a platform's. Its token comes from `.venv/bin/python"
    " manage.py create_operator platform@example.com`; put it into the variable `platformToken`"
    " first.\n\nOf single requests, send those first that set the variables they need: the sign-ups"
    " of chapter 2 and the wallets of chapter 3."
)
JSON_HEADER = {"key": "Content-Type", "value": "application/json"}


class Operation(NamedTuple):
    """An operation of the schema, where it is found."""

    path: str
    method: HTTPMethod
    documented: dict[str, Any]

    @property
    def success(self) -> HTTPStatus:
        """The first status of success: that of a call which does not ask to be queued."""
        return HTTPStatus(min(int(s) for s in self.documented["responses"] if s.startswith("2")))


def collection_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the collection. An operation that no step calls is an error."""
    operations = {
        operation["operationId"]: Operation(path, HTTPMethod(method.upper()), operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    left_out = operations.keys() - {step.operation for step in STEPS}
    if left_out:
        raise ValueError(f"No step of the Postman story calls {', '.join(sorted(left_out))}.")
    first = list({step.operation: step for step in reversed(STEPS)}.values())
    return {
        "info": {"name": document["info"]["title"], "description": START, "schema": FORMAT},
        "item": [
            {
                "name": chapter,
                "item": [
                    # An operation's examples stand where it is called first.
                    _item(step, operations[step.operation], has_examples=step in first)
                    for step in steps
                ],
            }
            for chapter, steps in CHAPTERS.items()
        ],
        "variable": [{"key": name, "value": value} for name, value in _variables().items()],
    }


def _variables() -> dict[str, str]:
    made = {name: "" for step in STEPS for name in (*step.begins, *step.sets)}
    return GIVEN | made


def _item(step: Step, operation: Operation, *, has_examples: bool) -> dict[str, Any]:
    documented = operation.documented
    request = {
        "method": str(operation.method),
        "header": _headers(step, documented),
        "url": _url(step, operation),
        "description": documented.get("description", ""),
        "auth": _auth(step.caller),
        **({"body": _body(step)} if "requestBody" in documented else {}),
    }
    return {
        "name": step.name,
        "event": events_of(step, operation.success),
        "request": request,
        "response": [
            example
            for status, response in documented["responses"].items()
            for example in _responses(HTTPStatus(int(status)), response, request)
        ]
        if has_examples
        else [],
    }


def _auth(caller: str | None) -> dict[str, Any]:
    if caller is None:
        return {"type": "noauth"}
    token = {"key": "token", "value": f"{{{{{caller}Token}}}}", "type": "string"}
    return {"type": "bearer", "bearer": [token]}


def _headers(step: Step, documented: dict[str, Any]) -> list[dict[str, str]]:
    parameters = {parameter["name"] for parameter in documented.get("parameters", [])}
    key = {"Idempotency-Key": "{{$guid}}"} if "Idempotency-Key" in parameters else {}
    return [
        {"key": "Accept", "value": "application/json"},
        *([JSON_HEADER] if "requestBody" in documented else []),
        *({"key": name, "value": value} for name, value in (key | step.headers).items()),
    ]


def _url(step: Step, operation: Operation) -> dict[str, Any]:
    parameters = operation.documented.get("parameters", [])
    parts = [
        f":{part[1:-1]}" if part.startswith("{") else part
        for part in operation.path.strip("/").split("/")
    ]
    names = [each["name"] for each in parameters if each["in"] == "path"]
    query = [
        {
            "key": each["name"],
            "value": step.query.get(each["name"], str(each["schema"].get("default", ""))),
            "disabled": each["name"] not in step.query,
        }
        for each in parameters
        if each["in"] == "query"
    ]
    return {
        "raw": "/".join(["{{baseUrl}}", *parts]),
        "host": ["{{baseUrl}}"],
        "path": parts,
        "variable": [{"key": name, "value": step.path[name]} for name in names],
        **({"query": query} if query else {}),
    }


def _body(step: Step) -> dict[str, Any]:
    return {
        "mode": "raw",
        "raw": render_json_text({} if step.body is None else step.body),
        "options": {"raw": {"language": "json"}},
    }


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
            "body": "" if value is None else render_json_text(value),
            "_postman_previewlanguage": "json",
        }
        for name, value in named or [("Success", None)]
    ]
