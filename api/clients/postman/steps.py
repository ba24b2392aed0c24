"""What a request of the Postman collection says, and the scripts that run around it."""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any

from core.money import plain

Variables = dict[str, str]
#: How often a request is sent, at most, while it waits; and the pause before it is sent again.
POLLS, PAUSE_MS = 60, 500


@dataclass(frozen=True)
class Step:
    """A request of the story, and what its answer must be.

    `operation` is its id in the schema. `caller` sends it: the variable of the token is named by
    it; None sends no token. `body` is sent as it is, `path` and `query` fill the parameters.
    `answers` maps a place of the answer (`results[0].success`) to its value there; an amount is a
    text such as `"12.50"` under `amounts`. `sets` maps a variable to the place that it comes from.
    `status` is that of a refusal, which has a `code`; without one it is the operation's success.
    While the places of `waits_while` have their values, the request is sent again, `POLLS` times at
    most, and only its last answer is looked at.
    """

    name: str
    operation: str
    caller: str | None = None
    body: Any = None
    path: Variables = field(default_factory=dict)
    query: Variables = field(default_factory=dict)
    headers: Variables = field(default_factory=dict)
    amounts: Variables = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    answer_headers: Variables = field(default_factory=dict)
    sets: Variables = field(default_factory=dict)
    status: HTTPStatus | None = None
    code: str | None = None
    waits_while: dict[str, Any] = field(default_factory=dict)
    #: Variables that get a new value before the request, such as an email of this run alone.
    begins: Variables = field(default_factory=dict)


def events_of(step: Step, success: HTTPStatus) -> list[dict[str, Any]]:
    """Return the scripts: what runs before the request, and what tests its answer."""
    before = [
        f"pm.collectionVariables.set({_text(name)}, pm.variables.replaceIn({_text(value)}));"
        for name, value in step.begins.items()
    ]
    return [
        *([_event("prerequest", before)] if before else []),
        _event("test", _tests(step, step.status or success)),
    ]


def _tests(step: Step, status: HTTPStatus) -> list[str]:
    lines = [_test(f"{int(status)}", f"pm.response.to.have.status({int(status)})")]
    if status == HTTPStatus.NO_CONTENT:
        return [*lines, _test("no body", 'pm.expect(pm.response.text()).to.eql("")')]
    lines.append("const body = pm.response.code === 204 ? null : pm.response.json();")
    checks = _checks(step)
    return [*lines, *(_waiting(step, checks) if step.waits_while else checks)]


def _waiting(step: Step, checks: list[str]) -> list[str]:
    """Send the request again while it waits, and run the checks when it does no more."""
    waits = [f"{_at(place)} === {_value(value)}" for place, value in step.waits_while.items()]
    return [
        # Of the run, and of nothing after it: a run that was stopped leaves no count.
        'const polls = Number(pm.variables.get("polls") || 0) + 1;',
        f"const waits = {' && '.join(waits)} && polls < {POLLS};",
        'pm.variables.set("polls", waits ? polls : 0);',
        "if (waits) {",
        "  pm.execution.setNextRequest(pm.info.requestId);",
        f"  setTimeout(() => {{}}, {PAUSE_MS});",
        "} else {",
        *(f"  {line}" for line in checks),
        "}",
    ]


def _checks(step: Step) -> list[str]:
    lines = []
    if step.code is not None:
        lines.append(_test(f"code {step.code}", f"pm.expect(body.code).to.eql({_text(step.code)})"))
    lines += [
        _test(f"{place} is {amount}", f"pm.expect({_at(place)}).to.eql({plain(Decimal(amount))})")
        for place, amount in step.amounts.items()
    ]
    lines += [
        _test(f"{place} is {_shown(value)}", f"pm.expect({_at(place)}).to.eql({_value(value)})")
        for place, value in step.answers.items()
    ]
    lines += [
        _test(f"{name}: {value}", f"pm.response.to.have.header({_text(name)}, {_text(value)})")
        for name, value in step.answer_headers.items()
    ]
    for name, place in step.sets.items():
        found = _at(place)
        lines.append(_test(f"{place} is kept", f"pm.expect({found}).to.be.a('string')"))
        lines.append(f"pm.collectionVariables.set({_text(name)}, {found});")
    return lines


def _test(name: str, check: str) -> str:
    return f"pm.test({_text(name)}, () => {check});"


def _at(place: str) -> str:
    return f"body{place}" if place.startswith("[") else f"body.{place}"


def _value(value: Any) -> str:
    if isinstance(value, str) and "{{" in value:
        return f"pm.variables.replaceIn({_text(value)})"
    return _text(value)


def _shown(value: Any) -> str:
    return value.strip("{}") if isinstance(value, str) else json.dumps(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _event(listen: str, lines: list[str]) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": lines}}
