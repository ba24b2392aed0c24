"""What every operation refuses alike, tried at every operation."""

import json
import re

from tests.recorded.operations import Callers, Operation, operations
from tests.recorded.recording import Tape

LARGE = b" " * 1_048_577
#: Their callers are not counted.
UNCOUNTED = ("/status", "/api/v1/health")


def callers_without_a_token(tape: Tape) -> None:
    """401: without a token, and with one that is none."""
    callers = Callers(tape)
    for operation in operations():
        if not operation.is_public:
            raw = _raw(operation)
            tape.nobody().call(operation.method, callers.path(operation), raw)
            headers = {"Authorization": "Token nonsense"}
            tape.nobody().call(operation.method, callers.path(operation), raw, **headers)


def answers_in_another_form(tape: Tape) -> None:
    """406: the answer is wanted in a form that there is not."""
    callers = Callers(tape)
    for operation in operations():
        callers.caller(operation).call(
            operation.method, callers.path(operation), _raw(operation), Accept="application/xml"
        )


def bodies_that_are_none(tape: Tape) -> None:
    """400, 413 and 415: no JSON, too much, another form."""
    callers = Callers(tape)
    for operation in _with_a_body():
        caller, path = callers.caller(operation), callers.path(operation)
        caller.call(operation.method, path, b'{"a": ')
        caller.call(operation.method, path, LARGE)
        caller.call(operation.method, path, b"a=1", **{"Content-Type": "text/plain"})


def fields_that_are_unknown(tape: Tape) -> None:
    """422: a field that the call does not take, and all that it takes left out."""
    callers = Callers(tape)
    for operation in _with_a_body():
        raw = json.dumps({"no_such_field": 1}).encode()
        callers.caller(operation).call(operation.method, callers.path(operation), raw)


def queries_that_are_unknown(tape: Tape) -> None:
    """422: a parameter that the call does not take, or twice."""
    callers = Callers(tape)
    for operation in operations():
        caller, path = callers.caller(operation), callers.path(operation)
        caller.call(operation.method, f"{path}?no_such_parameter=1", _raw(operation))
        if operation.method == "GET":
            caller.get(f"{path}?limit=1&limit=2")


def keys_that_are_none(tape: Tape) -> None:
    """422: an idempotency key that is empty, too long or not ASCII; and where none is taken."""
    callers = Callers(tape)
    for operation in operations(callers.wallet, callers.client):
        if operation.method == "POST" and "/log" not in operation.path:
            callers.caller(operation).call(
                operation.method,
                callers.path(operation),
                _raw(operation),
                **{"Idempotency-Key": ""},
            )
    client, body = callers.callers["client"], {"wallet": callers.wallet, "amount": 1}
    for key in ("k" * 256, "\xe9", "a\tb"):
        client.post("/wallet/deposit", body, key=key)


def methods_that_are_none(tape: Tape) -> None:
    """405, whoever asks, with the methods that there are; and HEAD."""
    callers = Callers(tape)
    paths = dict.fromkeys(callers.path(operation) for operation in operations())
    for path in paths:
        for method in ("PUT", "OPTIONS"):
            tape.nobody().call(method, path)
    for method in ("GET", "POST", "PATCH", "DELETE", "TRACE", "BREW"):
        tape.nobody().call(method, "/wallet/list")
        tape.nobody().call(method, "/wallet/deposit")
    for operation in operations():
        if operation.method == "GET":
            callers.caller(operation).call("HEAD", callers.path(operation))


def ids_that_are_none(tape: Tape) -> None:
    """404: an id in a path that is none, or is written in another way."""
    callers = Callers(tape)
    client = callers.callers["client"]
    strange = ("1", f"{callers.wallet}0", callers.wallet.replace("-", ""), f"{callers.wallet}/")
    for operation in operations():
        if "{" in operation.path:
            for text in strange:
                path = re.sub(r"\{\w+\}", text, operation.path)
                client.call(operation.method, path, _raw(operation))


def calls_over_the_limit(tape: Tape) -> None:
    """429, once the caller or the address has used up its share."""
    callers = Callers(tape)
    groups = ("reads", "writes", "signup", "login_address", "reset_address")
    tape.limit(**dict.fromkeys(groups, 1))
    for name, caller in callers.callers.items():
        caller.api.get(f"/customer/{callers.client}")
        if name != "nobody":
            caller.api.post("/client/logout", {"no_such_field": 1})
    for path in ("/client/signup", "/client/login", "/password/reset"):
        callers.callers["nobody"].api.post(path)
    for operation in operations():
        if operation.path not in UNCOUNTED:
            callers.caller(operation).call(
                operation.method, callers.path(operation), _raw(operation)
            )


def _raw(operation: Operation) -> bytes:
    return b"" if operation.body is None else json.dumps(operation.body).encode()


def _with_a_body() -> list[Operation]:
    return [operation for operation in operations() if operation.body is not None]


SCENARIOS = (
    callers_without_a_token,
    answers_in_another_form,
    bodies_that_are_none,
    fields_that_are_unknown,
    queries_that_are_unknown,
    keys_that_are_none,
    methods_that_are_none,
    ids_that_are_none,
    calls_over_the_limit,
)
