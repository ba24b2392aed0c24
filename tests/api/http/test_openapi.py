"""The OpenAPI schema: complete, with an example of everything, and readable offline."""

import json
import re
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

import api.urls
from api.http.errors import FAMILY_STATUS
from api.http.schema_view import SchemaView
from core.errors import Refusal
from tests.http_client import ERROR_FIELDS, Api
from tests.races import race

pytestmark = pytest.mark.usefixtures("books")

#: Codes that no operation documents: possible on every path, or in the admin only.
CODES_OF_NO_OPERATION = {
    "method_not_allowed",
    "range_not_satisfiable",
    # Of what is no request yet, by the server.
    "malformed_request",
    "internal_error",
    "bad_request",
    "wallet_closed",
    # Of the admin, which answers HTML.
    "own_adjustment",
    "adjustment_decided",
    "adjustment_expired",
    # Only when a customer is credited while the account is being erased.
    "account_erased",
}


@pytest.fixture
def schema(api: Api) -> dict[str, Any]:
    served: dict[str, Any] = api.get("/api/schema").json
    return served


def _operations(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def _examples(answer: dict[str, Any]) -> list[Any]:
    content = answer.get("content", {}).get("application/json", {})
    return [example["value"] for example in content.get("examples", {}).values()]


def test_schema_is_valid_and_generated_without_a_warning() -> None:
    call_command(
        "spectacular", "--validate", "--fail-on-warn", "--format=openapi-json", stdout=StringIO()
    )


def test_schema_is_served(api: Api) -> None:
    reply = api.get("/api/schema")

    assert reply.status == 200
    assert "json" in reply.headers["Content-Type"]
    assert re.fullmatch(r"3\.1\.\d+", reply.json["openapi"])


def test_every_route_is_in_the_schema(schema: dict[str, Any]) -> None:
    routes = {
        "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        for pattern in api.urls.urlpatterns
    }

    assert len(routes) > 15
    assert routes <= set(schema["paths"])


def test_every_operation_has_a_name_of_its_own_and_a_summary(schema: dict[str, Any]) -> None:
    operations = _operations(schema)

    names = [operation["operationId"] for _, operation in operations]
    assert len(set(names)) == len(operations)
    assert [name for name, operation in operations if not operation.get("summary")] == []


def test_every_answer_has_examples(schema: dict[str, Any]) -> None:
    lacking = [
        f"{name}: {status}"
        for name, operation in _operations(schema)
        for status, answer in operation["responses"].items()
        if status != "204" and not _examples(answer)
    ]

    assert lacking == []


def test_every_operation_has_a_success_and_an_example_of_its_body(
    schema: dict[str, Any],
) -> None:
    for name, operation in _operations(schema):
        assert any(status.startswith("2") for status in operation["responses"]), name
        if "requestBody" in operation:
            assert _examples(operation["requestBody"]), name


def test_every_example_is_valid_by_its_schema(schema: dict[str, Any]) -> None:
    errors = [
        f"{name}: {error.message}"
        for name, operation in _operations(schema)
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for example in _examples(part)
        for error in _validator(schema, part).iter_errors(example)
    ]

    assert errors == []


def test_every_refusal_has_an_example_of_its_error_body(schema: dict[str, Any]) -> None:
    for name, operation in _operations(schema):
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                continue
            examples = _examples(answer)
            named = re.findall(r"`(\w+)`", answer["description"])
            assert sorted({body["code"] for body in examples}) == sorted(set(named)), (name, status)
            for body in examples:
                assert set(body) == ERROR_FIELDS, (name, status)
                assert (str(body["statusCode"]), body["timestamp"][-1]) == (status, "Z")


def test_no_header_has_an_example_or_a_default(schema: dict[str, Any]) -> None:
    with_example = [
        (path, header["name"])
        for path, operations in schema["paths"].items()
        for operation in operations.values()
        for header in operation.get("parameters", ())
        if header["in"] == "header" and {"example", "examples", "default"} & header.keys()
    ]

    assert with_example == []


def test_every_operation_documents_the_common_refusals(schema: dict[str, Any]) -> None:
    for name, operation in _operations(schema):
        expected = {"not_acceptable", "request_timeout", "rate_limited", "unavailable"}
        if any(p["in"] == "path" for p in operation.get("parameters", ())):
            expected |= {"not_found"}
        if operation.get("security"):
            expected |= {"not_authenticated", "invalid_token"}
        if "requestBody" in operation:
            expected |= {"malformed_json", "payload_too_large", "unsupported_media_type"}
            expected |= {"validation_error"}
        if any(p["name"] == "Idempotency-Key" for p in operation.get("parameters", ())):
            expected |= {"idempotency_key_reused"}
        assert expected <= _codes(operation), name


def test_every_code_that_the_service_has_is_documented(schema: dict[str, Any]) -> None:
    documented = {code for _, operation in _operations(schema) for code in _codes(operation)}

    assert _codes_of_refusals(Refusal) - CODES_OF_NO_OPERATION <= documented


def test_it_begins_with_an_introduction_and_goes_on_as_a_story(schema: dict[str, Any]) -> None:
    headings = re.findall(r"^### (.+)$", schema["info"]["description"], re.M)
    tags = [tag["name"] for tag in schema["tags"]]
    used = {tag for _, operation in _operations(schema) for tag in operation["tags"]}
    paths = list(schema["paths"])

    assert headings == ["First calls", "Money", "Exactly once", "Errors"]
    assert schema["servers"] == [{"url": "/", "description": "This service"}]
    assert (tags[0], tags[-1]) == ("accounts", "service")
    assert all(tag["description"] for tag in schema["tags"])
    assert set(tags) == used
    in_order = [
        *("/client/signup", "/client/login", "/wallet/create", "/wallet/deposit"),
        *("/wallet/withdraw", "/wallet/charge", "/wallet/refund", "/client/logout"),
    ]
    assert sorted(in_order, key=paths.index) == in_order


def test_request_examples_have_amounts_as_text(schema: dict[str, Any]) -> None:
    names = "amount|value|balance|tip|max_amount|max_per_day"
    found = [
        amount
        for _, operation in _operations(schema)
        if "requestBody" in operation
        for example in operation["requestBody"]["content"]["application/json"]["examples"].values()
        for amount in re.findall(rf'"(?:{names})": ([^,}}]+)', json.dumps(example["value"]))
    ]

    assert len(found) > 15
    assert [each for each in found if not re.fullmatch(r'"[0-9]+\.[0-9]{2}"', each)] == []


def test_amounts_in_answers_have_both_decimals(api: Api) -> None:
    text = api.get("/api/schema").raw.decode()

    amounts = re.findall(r'"(?:amount|balance|available|fee|refunded)":([0-9.]+)', text)
    assert len(amounts) > 20
    assert [each for each in amounts if not re.fullmatch(r"[0-9]+\.[0-9]{2}", each)] == []


def test_an_invalid_request_names_a_field_of_its_call(schema: dict[str, Any]) -> None:
    wrong = {}
    for name, operation in _operations(schema):
        parameters = operation.get("parameters", ())
        known = {each["name"] for each in parameters if each["in"] == "query"}
        for content in operation.get("requestBody", {}).get("content", {}).values():
            body = content["schema"]
            body = schema["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]]
            known |= set(body["properties"])
        # A call without fields can only be sent one that it does not know.
        known = known or {"extra"}
        for example in _examples(operation["responses"].get("422", {})):
            if not example["details"] or not set(example["details"]) <= known:
                wrong[name] = example["details"]

    assert wrong == {}


def test_no_refusal_is_described_twice(schema: dict[str, Any]) -> None:
    for name, operation in _operations(schema):
        for status, answer in operation["responses"].items():
            codes = re.findall(r"`(\w+)`", answer["description"])
            assert len(codes) == len(set(codes)), (name, status)
            bodies = [json.dumps(body, default=str) for body in _examples(answer)]
            assert status < "4" or len(bodies) == len(set(bodies)), (name, status)


def test_every_status_of_the_contract_is_documented(schema: dict[str, Any]) -> None:
    documented = {
        int(status)
        for _, operation in _operations(schema)
        for status in operation["responses"]
        if not status.startswith("2")
    }

    assert documented == {400, 401, 403, 404, 406, 408, 409, 413, 415, 422, 429, 503}
    # 405 and 500 are possible on every path, 416 of files.
    assert {int(status) for status in FAMILY_STATUS.values()} == documented | {405, 416, 500}


def test_every_answer_has_the_headers_of_its_status(schema: dict[str, Any]) -> None:
    required = {"401": "WWW-Authenticate", "429": "Retry-After", "503": "Retry-After"}

    for name, operation in _operations(schema):
        parameters = {parameter["name"] for parameter in operation.get("parameters", ())}
        is_keyed = "Idempotency-Key" in parameters
        for status, answer in operation["responses"].items():
            headers = answer["headers"]
            expected = {"X-Request-ID", "RateLimit", "RateLimit-Policy"}
            if status in required:
                expected.add(required[status])
            if is_keyed and (status.startswith("2") or status in ("400", "409")):
                expected.add("Idempotent-Replayed")
            if "Dry-Run" in parameters and status != "202":
                expected.add("Dry-Run")
            assert set(headers) - {"Link", "Location"} == expected, (name, status)
            for each in headers.values():
                assert each["$ref"].rsplit("/", 1)[1] in schema["components"]["headers"]
    linked = schema["paths"]["/wallet/history/{token}"]["get"]["responses"]["200"]["headers"]
    queued = schema["paths"]["/transaction"]["post"]["responses"]["202"]["headers"]
    assert ("Link" in linked, "Location" in queued) == (True, True)


def test_request_bodies_refuse_undeclared_fields(schema: dict[str, Any]) -> None:
    bodies = {
        name: body
        for name, body in schema["components"]["schemas"].items()
        if _is_request_body(name)
    }

    assert len(bodies) > 15
    assert [name for name, body in bodies.items() if body["additionalProperties"]] == []
    # Only summaries and the like may be blank.
    assert bodies["ClientProfileBody"]["properties"]["first_name"]["minLength"] == 1
    assert "minLength" not in bodies["ChargeBody"]["properties"]["summary"]


def test_only_two_lookups_have_an_optional_token(schema: dict[str, Any]) -> None:
    with_optional_token = [
        name for name, operation in _operations(schema) if {} in operation.get("security", ())
    ]

    assert with_optional_token == [
        "GET /customer/{customer_id}",
        "GET /payment-requests/{request_id}",
    ]


@pytest.mark.parametrize("path", ["/api", "/api/redoc"])
def test_pages_load_nothing_from_other_hosts(api: Api, path: str) -> None:
    reply = api.get(path, Accept="text/html")

    page = reply.raw.decode()
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/html")
    other_hosts = [
        url for url in re.findall(r"https?://[^\s\"'<>)]+", page) if not _is_identifier(url)
    ]
    assert other_hosts == []
    linked = re.findall(r"(?:src|href)=[\"']([^\"']+)", page)
    assert linked
    texts = [reply.raw]
    for link in linked:
        assert not urlsplit(link).netloc, link
        asset = api.get(link, Accept="*/*")
        assert (asset.status, bool(asset.raw)) == (200, True), link
        texts.append(asset.raw)
    assert any(b"/api/schema" in text for text in texts)


@pytest.mark.parametrize("path", ["/api", "/api/redoc", "/api/schema"])
def test_reading_the_schema_needs_no_token(api: Api, path: str) -> None:
    assert api.get(path).status == 200


def _validator(schema: dict[str, Any], part: dict[str, Any]) -> Draft202012Validator:
    own = part["content"]["application/json"]["schema"]
    return Draft202012Validator({**own, "components": schema["components"]})


def _is_request_body(name: str) -> bool:
    return name.endswith("Body") and name != "ErrorBody"


def _codes(operation: dict[str, Any]) -> set[str]:
    return {
        body["code"]
        for status, answer in operation["responses"].items()
        if not status.startswith("2")
        for body in _examples(answer)
    }


def _codes_of_refusals(kind: type[Refusal]) -> set[str]:
    """Return the codes of all refusals that the service defines."""
    own = (
        {kind.code} if "code" in vars(kind) and not kind.__module__.startswith("tests.") else set()
    )
    return own.union(*(_codes_of_refusals(child) for child in kind.__subclasses__()))


def _is_identifier(url: str) -> bool:
    """Whether the URL is only an identifier (an XML namespace) and is never fetched."""
    return urlsplit(url).netloc in ("www.w3.org", "testserver")


def test_concurrent_requests_get_the_same_schema() -> None:
    SchemaView._document = None

    replies = race(8, lambda _: Api().get("/api/schema"))

    assert {reply.status for reply in replies} == {200}
    assert len({reply.raw for reply in replies}) == 1
