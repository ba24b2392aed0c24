"""The Postman collection: newman runs it against the service, from top to bottom."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import psutil
import pytest

from api.clients.files import openapi_document
from api.clients.postman.collection import collection_of
from api.clients.postman.steps import POLLS
from config.environment import BASE_DIR
from harness.callers import a_client, a_company
from harness.installation import Installation
from harness.waiting import wait_until

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


def test_the_readme_has_the_command_that_runs_it() -> None:
    readme = (BASE_DIR / "README.md").read_text(encoding="utf-8")

    [arguments] = re.findall(r"`npx newman run (.+?)`", readme)
    assert arguments == f"{COLLECTION_FILE.name} --env-var platformToken=TOKEN"


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


def run_collection(newman: Path, service: Installation, report: Path, *options: str) -> Any:
    """Run the collection, or what the options choose of it; return newman's report of the run."""
    platform = service.manage("create_operator", "platform@example.com").stdout.split()[-1]
    ran = subprocess.run(
        [
            newman,
            "run",
            COLLECTION_FILE,
            *("--env-var", f"baseUrl={service.url}"),
            *("--env-var", f"platformToken={platform}"),
            *("--reporters", "json", "--reporter-json-export", report),
            *options,
        ],
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert report.exists(), ran.stderr
    run = json.loads(report.read_text(encoding="utf-8"))["run"]
    assert ran.returncode == bool(run["failures"])
    return run


def sent_by(run: Any) -> list[str]:
    return [each["item"]["name"] for each in run["executions"]]


def failures_of(run: Any) -> list[str]:
    return [f"{each['source']['name']}: {each['error']['message']}" for each in run["failures"]]


def queue_what_fails(service: Installation) -> None:
    """Let somebody without money queue a payment, and wait until it has failed."""
    client, company = a_client(service.url), a_company(service.url)
    queued = client.post("/transaction", {"value": "1.00", "target": company.wallet})
    wait_until(lambda: client.get(f"/transaction/{queued['id']}")["failed"])


@pytest.mark.slow
@pytest.mark.xdist_group("clients")
def test_the_collection_runs_as_a_whole_and_again_whatever_others_have_queued(
    service: Installation, newman: Path, tmp_path: Path
) -> None:
    queue_what_fails(service)

    for time in ("first", "second"):
        run = run_collection(newman, service, tmp_path / f"{time}.json")

        assert failures_of(run) == []
        # What waits is sent more often than once, in a row.
        assert [name for name, _ in groupby(sent_by(run))] == [item["name"] for item in ITEMS]
        repeats = len(sent_by(run)) - len(ITEMS)
        assert run["stats"]["requests"] == {"total": len(sent_by(run)), "pending": 0, "failed": 0}
        tests = sum(script_of(item, "test").count("pm.test(") for item in ITEMS)
        expected = tests + repeats  # of a repeat, its status
        assert run["stats"]["assertions"] == {"total": expected, "pending": 0, "failed": 0}


@pytest.mark.slow
@pytest.mark.xdist_group("clients")
def test_what_is_queued_is_waited_for_but_not_for_ever(
    service: Installation, newman: Path, tmp_path: Path
) -> None:
    chapters = ("2 A client and a company", "3 A wallet and its money", "8 Queued instead of done")
    folders = [option for chapter in chapters for option in ("--folder", chapter)]
    [serve] = service.services
    [processor] = [
        child
        for child in psutil.Process(serve.pid).children()
        if "process_transactions" in child.cmdline()
    ]

    # Given a processor that runs nothing, and a run that has waited nearly as often as it will
    processor.suspend()
    try:
        waited = f"polls={POLLS - 3}"
        run = run_collection(newman, service, tmp_path / "report", *folders, "--env-var", waited)
    finally:
        processor.resume()

    # Then it asks again until the end, and says that nothing became of it
    assert sent_by(run).count("What became of it?") == 3
    [failure] = failures_of(run)
    assert failure.startswith("What became of it?: expected 'pending' to deeply equal 'completed'")
    assert sent_by(run)[-1] == "What the processor does"
