"""What every door refuses alike, tried at every door."""

import json

from tests.recorded.doors import Door, World, doors
from tests.recorded.recording import Tape

LARGE = b" " * 1_048_577
#: Their callers are not counted.
UNCOUNTED = ("/status", "/api/v1/health")


def callers_without_a_token(tape: Tape) -> None:
    """401: without a token, and with one that is none."""
    world = World(tape)
    for door in doors():
        if not door.is_public:
            raw = _raw(door)
            tape.nobody().call(door.method, world.path(door), raw)
            headers = {"Authorization": "Token nonsense"}
            tape.nobody().call(door.method, world.path(door), raw, **headers)


def answers_in_another_form(tape: Tape) -> None:
    """406: the answer is wanted in a form that there is not."""
    world = World(tape)
    for door in doors():
        world.caller(door).call(door.method, world.path(door), _raw(door), Accept="application/xml")


def bodies_that_are_none(tape: Tape) -> None:
    """400, 413 and 415: no JSON, too much, another form."""
    world = World(tape)
    for door in _with_a_body():
        caller, path = world.caller(door), world.path(door)
        caller.call(door.method, path, b'{"a": ')
        caller.call(door.method, path, LARGE)
        caller.call(door.method, path, b"a=1", **{"Content-Type": "text/plain"})


def fields_that_are_unknown(tape: Tape) -> None:
    """422: a field that the call does not take, and all that it takes left out."""
    world = World(tape)
    for door in _with_a_body():
        raw = json.dumps({"no_such_field": 1}).encode()
        world.caller(door).call(door.method, world.path(door), raw)


def queries_that_are_unknown(tape: Tape) -> None:
    """422: a parameter that the call does not take, or twice."""
    world = World(tape)
    for door in doors():
        caller, path = world.caller(door), world.path(door)
        caller.call(door.method, f"{path}?no_such_parameter=1", _raw(door))
        if door.method == "GET":
            caller.get(f"{path}?limit=1&limit=2")


def keys_that_are_none(tape: Tape) -> None:
    """422: an idempotency key that is empty, too long or not ASCII; and where none is taken."""
    world = World(tape)
    for door in doors(world.wallet, world.client):
        if door.method == "POST" and "/log" not in door.path:
            world.caller(door).call(
                door.method, world.path(door), _raw(door), **{"Idempotency-Key": ""}
            )
    client, body = world.callers["client"], {"wallet": world.wallet, "amount": 1}
    for key in ("k" * 256, "\xe9", "a\tb"):
        client.post("/wallet/deposit", body, key=key)


def methods_that_are_none(tape: Tape) -> None:
    """405, whoever asks, with the methods that there are; and HEAD."""
    world = World(tape)
    paths = dict.fromkeys(world.path(door) for door in doors())
    for path in paths:
        for method in ("PUT", "OPTIONS"):
            tape.nobody().call(method, path)
    for method in ("GET", "POST", "PATCH", "DELETE", "TRACE", "BREW"):
        tape.nobody().call(method, "/wallet/list")
        tape.nobody().call(method, "/wallet/deposit")
    for door in doors():
        if door.method == "GET":
            world.caller(door).call("HEAD", world.path(door))


def ids_that_are_none(tape: Tape) -> None:
    """404: an id in a path that is none, or is written in another way."""
    world = World(tape)
    client = world.callers["client"]
    strange = ("1", f"{world.wallet}0", world.wallet.replace("-", ""), f"{world.wallet}/")
    for door in doors():
        if "{" in door.path:
            for text in strange:
                path = door.path.format(wallet=text, client=text, queued=text)
                client.call(door.method, path, _raw(door))


def calls_over_the_limit(tape: Tape) -> None:
    """429, once the caller or the address has used up its share."""
    world = World(tape)
    groups = ("reads", "writes", "signup", "login_address", "reset_address")
    tape.limit(**dict.fromkeys(groups, 1))
    for name, caller in world.callers.items():
        caller.api.get(f"/customer/{world.client}")
        if name != "nobody":
            caller.api.post("/client/logout", {"no_such_field": 1})
    for path in ("/client/signup", "/client/login", "/password/reset"):
        world.callers["nobody"].api.post(path)
    for door in doors():
        if door.path not in UNCOUNTED:
            world.caller(door).call(door.method, world.path(door), _raw(door))


def _raw(door: Door) -> bytes:
    return b"" if door.body is None else json.dumps(door.body).encode()


def _with_a_body() -> list[Door]:
    return [door for door in doors() if door.body is not None]


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
