"""Every request of the Postman collection against the running service, as Postman sends it."""

import json
import re
from collections import defaultdict
from typing import Any
from uuid import uuid4

import pytest
import requests

from config.environment import BASE_DIR
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("clients")]

COLLECTION = json.loads((BASE_DIR / "Postman-Collection.json").read_text(encoding="utf-8"))
SET_VARIABLE = re.compile(
    r'pm\.collectionVariables\.set\("(\w+)", pm\.response\.json\(\)\.(\w+)\);'
)

Variables = dict[str, str]


STORY_FOLDER, *FOLDERS = COLLECTION["item"]
STORY: list[dict[str, Any]] = STORY_FOLDER["item"]
ITEMS: list[dict[str, Any]] = [item for folder in FOLDERS for item in folder["item"]]
FREEZES = "Freeze an own wallet; support alone sets it free"


def item_named(name: str) -> dict[str, Any]:
    (item,) = [item for item in ITEMS if item["name"] == name]
    return item


def ends_a_session(item: dict[str, Any]) -> bool:
    revokes = item["request"]["url"]["path"][0] in ("paytokens", "wallet")
    return not revokes and any(response["code"] == 204 for response in item["response"])


def substitute(text: str, variables: Variables) -> str:
    """Replace the variables. A variable that the collection lacks fails the test."""
    return re.sub(
        r"\{\{(\$?\w+)\}\}",
        lambda match: str(uuid4()) if match[1] == "$guid" else variables[match[1]],
        text,
    )


def url_of(request: dict[str, Any], variables: Variables) -> str:
    parts = {f":{part['key']}": part["value"] for part in request["url"]["variable"]}
    path = [*request["url"]["host"], *(parts.get(part, part) for part in request["url"]["path"])]
    return substitute("/".join(path), variables)


def send(item: dict[str, Any], variables: Variables) -> requests.Response:
    """Send the request and run its script, which sets variables from a successful answer."""
    request = item["request"]
    headers = {
        header["key"]: substitute(header["value"], variables) for header in request["header"]
    }
    auth = request.get("auth", COLLECTION["auth"])
    if auth["type"] == "bearer":
        (bearer,) = auth["bearer"]
        headers["Authorization"] = f"Bearer {substitute(bearer['value'], variables)}"
    body = substitute(request["body"]["raw"], variables) if "body" in request else None
    response = requests.request(
        request["method"],
        url_of(request, variables),
        headers=headers,
        data=body,
        timeout=DEADLINE_SECONDS,
    )
    for event in item.get("event", []):
        stored = SET_VARIABLE.findall("\n".join(event["script"]["exec"]))
        assert stored != []
        if response.ok:
            variables.update({name: response.json()[field] for name, field in stored})
    return response


#: Succeeds only with the token of a mail.
NEEDS_A_MAILED_TOKEN = "POST {{baseUrl}}/password/reset/confirm"


@pytest.fixture
def variables(service: Installation) -> Variables:
    defaults = {variable["key"]: variable["value"] for variable in COLLECTION["variable"]}
    return defaults | {"baseUrl": service.url}


class CollectionRun:
    """Sends the requests of the collection and records the statuses of their answers."""

    def __init__(self, variables: Variables) -> None:
        self.variables = variables
        self.statuses: dict[str, set[int]] = defaultdict(set)

    def send(self, item: dict[str, Any]) -> requests.Response:
        """Send a request; its operation must document the status of the answer."""
        response = send(item, self.variables)
        name = f"{item['request']['method']} {item['request']['url']['raw']}"
        self.statuses[name].add(response.status_code)
        documented = {example["code"] for example in item["response"]}
        assert response.status_code in documented, f"{name}: {response.text}"
        assert response.status_code < 500, f"{name}: {response.text}"
        if response.status_code == 204:
            assert response.content == b"", name
        else:
            assert response.headers["Content-Type"] == "application/json", name
            assert isinstance(response.json(), dict | list), name
        return response

    def send_all(self) -> None:
        """Send all requests that do not end a session or freeze the caller's wallet."""
        for item in ITEMS:
            if not ends_a_session(item) and item["name"] != FREEZES:
                self.send(item)

    def send_session_ends(self, sign_up: dict[str, Any]) -> None:
        """Send each request that ends a session, in a session of its own."""
        for item in filter(ends_a_session, ITEMS):
            self.variables["email"] = f"{uuid4()}@example.com"
            self.send(sign_up)
            self.send(item)


def test_every_request_gets_a_documented_answer_and_succeeds_for_some_caller(
    service: Installation, variables: Variables
) -> None:
    run = CollectionRun(variables)
    company_sign_up = item_named("Sign up as a company")

    # When all is sent as a shop
    variables["email"] = "shop@example.com"
    run.send(company_sign_up)
    run.send_all()
    variables["otherWallet"] = variables["otherAddress"] = variables["wallet"]

    # And as a client, with the shop's wallet as the other one
    variables["email"] = "ada@example.com"
    run.send_all()
    ada, variables["otherWallet"] = variables["user"], variables["wallet"]
    run.send(item_named(FREEZES))

    # And as the shop, with the client's wallet as the other one
    variables["email"] = "shop@example.com"
    run.send(item_named("Log in as a company"))
    run.send_all()
    run.send_session_ends(company_sign_up)

    # And as an operator, for the client
    operator = service.manage("create_operator", "operator@example.com")
    variables.update(token=operator.stdout.split()[-1], email="operator@example.com", user=ada)
    run.send_all()

    # And the story, between the demo's accounts
    for item in STORY:
        run.send(item)

    # Then each request has worked at least once
    never_succeeded = [name for name, statuses in run.statuses.items() if min(statuses) >= 300]
    assert never_succeeded == [NEEDS_A_MAILED_TOKEN]
    assert len(run.statuses) == len(ITEMS)


def test_the_story_asks_scans_pays_refunds_and_charges_once_by_a_pay_token(
    variables: Variables,
) -> None:
    run = CollectionRun(variables)

    answers = [run.send(item) for item in STORY]

    *_, opened, asked, scanned, paid, refunded, _, charged, refused = answers
    assert (asked.json()["status"], asked.json()["amount"]) == ("open", 12.50)
    assert scanned.json()["id"] == asked.json()["id"]
    assert scanned.json()["reference"] is None
    assert (opened.json()["balance"], paid.json()["balance"]) == (100, 86)
    assert refunded.json()["refunded"] == 2.50
    assert charged.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (409, "paytoken_used")
