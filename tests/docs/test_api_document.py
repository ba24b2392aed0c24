"""`docs/api.md` has exactly the calls, the error codes and the kinds that the service has."""

import re
from typing import Any

import pytest

from config.environment import BASE_DIR
from ledger.kinds import RULES
from tests.http_client import Api

pytestmark = pytest.mark.usefixtures("books")

DOCUMENT = (BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
ARCHITECTURE = (BASE_DIR / "docs" / "architecture.md").read_text(encoding="utf-8")
CALL = re.compile(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (/[\w/<>{}-]*)")
#: A placeholder for an id, or an id: `<token>`, `{wallet_id}`, a UUID in an example.
ID = re.compile(r"<\w+>|\{\w+\}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CODE = re.compile(r"^\| `([a-z_]+)` \| (\d{3}) \|", re.M)


@pytest.fixture
def paths(api: Api) -> dict[str, Any]:
    served: dict[str, Any] = api.get("/api/schema").json["paths"]
    return served


def _section(heading: str) -> str:
    """Return the text below a heading of the third level."""
    [text] = re.findall(rf"^### {heading}\n(.*?)^##", DOCUMENT, re.M | re.S)
    return str(text)


def _codes(paths: dict[str, Any]) -> set[tuple[str, str]]:
    """Return (code, status) of every error example of an operation."""
    return {
        (example["value"]["code"], status)
        for methods in paths.values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if int(status) >= 400
        for content in answer["content"].values()
        for example in content["examples"].values()
    }


def test_the_document_has_the_calls_of_the_schema(paths: dict[str, Any]) -> None:
    named = {(method, ID.sub("{}", path)) for method, path in CALL.findall(DOCUMENT)}
    served = {
        (method.upper(), ID.sub("{}", path))
        for path, methods in paths.items()
        for method in methods
    }

    assert named == served


def test_the_table_of_errors_has_the_codes_of_the_schema(paths: dict[str, Any]) -> None:
    codes = _codes(paths)

    assert len(codes) > 20
    assert set(CODE.findall(_section("Codes of calls"))) == codes


def test_the_codes_of_no_call_are_in_no_operation(paths: dict[str, Any]) -> None:
    other_codes = {code for code, _ in CODE.findall(_section("Codes of no call"))}

    assert other_codes
    assert other_codes.isdisjoint(code for code, _ in _codes(paths))


def test_every_kind_is_named() -> None:
    [kinds] = re.findall(r"^- A \*\*kind\*\*(.*?)^\n", DOCUMENT, re.M | re.S)
    [entry] = re.findall(r"^- \*\*An entry\*\*(.*?)`status` is", DOCUMENT, re.M | re.S)
    [words] = re.findall(r"^\| \*\*kind\*\* \| why money moved: (.*) \|$", ARCHITECTURE, re.M)

    assert set(re.findall(r"`(\w+)`", kinds)) == set(RULES)
    assert words.split(", ") == list(RULES)
    assert set(re.findall(r"`([A-Z_]+)`", entry)) == {
        name for rules in RULES.values() for name in rules.resource_types
    }
