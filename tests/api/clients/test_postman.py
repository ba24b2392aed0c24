"""The Postman collection: newman runs it against the service, from top to bottom."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.clients.files import openapi_document
from api.clients.postman.collection import collection_of
from config.environment import BASE_DIR
from harness.installation import Installation

COLLECTION_FILE = BASE_DIR / "Postman-Collection.json"
COLLECTION = json.loads(COLLECTION_FILE.read_text(encoding="utf-8"))
ITEMS: list[dict[str, Any]] = [item for chapter in COLLECTION["item"] for item in chapter["item"]]
#: Holds package.json and its lock file; what they name is installed beside them, once.
NEWMAN = Path(__file__).parent / "newman"
INSTALL_SECONDS, RUN_SECONDS = 180, 180
VARIABLE = re.compile(r"\{\{(\w+)\}\}")
SET_VARIABLE = re.compile(r'pm\.collectionVariables\.set\("(\w+)"')


def script_of(item: dict[str, Any], listen: str) -> str:
    return "\n".join(
        line
        for event in item["event"]
        if event["listen"] == listen
        for line in event["script"]["exec"]
    )


def calls(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the method and the path, as Postman spells it, of every operation."""
    for path, methods in document["paths"].items():
        for method in methods:
            yield method.upper(), "{{baseUrl}}" + re.sub(r"\{(\w+)\}", r":\1", path)


def test_every_operation_of_the_schema_is_in_the_collection() -> None:
    sent = {(item["request"]["method"], item["request"]["url"]["raw"]) for item in ITEMS}

    assert sent == set(calls(openapi_document()))


def test_an_operation_that_the_story_lacks_is_named() -> None:
    document = openapi_document()
    document["paths"]["/new"] = {"get": {"operationId": "something_new", "responses": {}}}

    with pytest.raises(ValueError, match="something_new"):
        collection_of(document)


def test_every_request_is_tested_and_finds_its_variables_in_those_before_it() -> None:
    known = {"baseUrl", "platformToken"}
    amounts = 0
    for item in ITEMS:
        known.update(SET_VARIABLE.findall(script_of(item, "prerequest")))
        tests = script_of(item, "test")
        assert "pm.response.to.have.status(" in tests, item["name"]
        request = json.dumps(item["request"])
        assert set(VARIABLE.findall(request + tests)) <= known, item["name"]
        known.update(SET_VARIABLE.findall(tests))
        amounts += bool(re.search(r"\.to\.eql\([0-9]+\.[0-9]{2}\)", tests))
    assert known == {variable["key"] for variable in COLLECTION["variable"]}
    assert amounts > 30


def test_amounts_are_sent_as_text() -> None:
    bodies = [item["request"]["body"]["raw"] for item in ITEMS if "body" in item["request"]]

    amounts = re.findall(
        r'"(?:amount|value|balance|tip|max_amount|max_per_day)": (.+?),?$', "\n".join(bodies), re.M
    )
    assert len(amounts) > 25
    assert [each for each in amounts if not re.fullmatch(r'"[0-9]+\.[0-9]{2}"', each)] == []


@pytest.fixture(scope="module")
def newman() -> Path:
    """The installed newman; without Node, or without a registry to install it from, skip."""
    program = NEWMAN / "node_modules" / ".bin" / "newman"
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node is not installed")
    if not program.exists():
        installed = subprocess.run(
            [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=NEWMAN,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
        if installed.returncode != 0:
            pytest.skip(f"newman cannot be installed: {installed.stderr.strip()[-200:]}")
    return program


@pytest.mark.slow
@pytest.mark.xdist_group("clients")
def test_the_collection_runs_as_a_whole(
    service: Installation, newman: Path, tmp_path: Path
) -> None:
    platform = service.manage("create_operator", "platform@example.com").stdout.split()[-1]
    report = tmp_path / "report.json"

    ran = subprocess.run(
        [
            newman,
            "run",
            COLLECTION_FILE,
            *("--env-var", f"baseUrl={service.url}"),
            *("--env-var", f"platformToken={platform}"),
            *("--reporters", "json", "--reporter-json-export", report),
        ],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )

    assert report.exists(), ran.stderr
    run = json.loads(report.read_text(encoding="utf-8"))["run"]
    failures = [f"{each['source']['name']}: {each['error']['message']}" for each in run["failures"]]
    assert failures == []
    assert ran.returncode == 0
    assert [each["item"]["name"] for each in run["executions"]] == [item["name"] for item in ITEMS]
    assert run["stats"]["requests"] == {"total": len(ITEMS), "pending": 0, "failed": 0}
    expected = sum(script_of(item, "test").count("pm.test(") for item in ITEMS)
    assert run["stats"]["assertions"] == {"total": expected, "pending": 0, "failed": 0}
