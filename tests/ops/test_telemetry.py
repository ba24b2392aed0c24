"""Logs and traces of all processes of the running service, without secrets."""

import json
import subprocess
import sys

import pytest
import requests

from config.environment import BASE_DIR
from harness.installation import Installation
from harness.waiting import DEADLINE_SECONDS, wait_until
from tests.ops.collector import a_collector, attributes_of

pytestmark = pytest.mark.slow
EMAIL, PASSWORD, AMOUNT = "grace.hopper@example.com", "tea-at-half-past-4", "731.57"
PERSON = {"first_name": "Gracia", "last_name": "Murrayhopper", "phone_number": "+442079460018"}


def test_logs_and_traces_of_a_session(installation: Installation) -> None:
    installation.log = installation.data_dir.parent / "log"

    # Given a service with several processes that logs all it can, and an endpoint for traces
    with a_collector() as collector:
        service, _ = installation.serve(
            WALLET_SERVICE_LOG_FORMAT="json",
            WALLET_SERVICE_LOG_LEVEL="debug",
            OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
            OTEL_BSP_SCHEDULE_DELAY="100",
        )

        # When a client signs up twice, deposits, queues an unpayable transaction, and is refused
        def call(path: str, body: object = None, **headers: str) -> requests.Response:
            return requests.post(
                f"{installation.url}{path}", json=body, headers=headers, timeout=DEADLINE_SECONDS
            )

        account = {"email": EMAIL, "password": PASSWORD, "client": PERSON}
        token = call("/client/signup", account).json()["token"]
        assert call("/client/signup", account).status_code == 409
        caller = {"Authorization": f"Token {token}"}
        wallet = call("/wallet/create", {}, **caller).json()["wallet"]
        deposit = {"wallet": wallet, "amount": AMOUNT}
        assert call("/wallet/deposit", deposit, **caller, **{"X-Request-ID": "one"}).ok
        assert call("/transaction", {"value": "9999.99"}, **caller, **{"X-Request-ID": "two"}).ok
        for path in (f"/wallet/info/{wallet}", f"/nowhere/{EMAIL}", "/wallet/list?email=" + EMAIL):
            requests.get(f"{installation.url}{path}", headers=caller, timeout=DEADLINE_SECONDS)
        requests.get(f"{installation.url}/status", headers={"Host": EMAIL}, timeout=5)
        figures = requests.get(
            f"{installation.url}/metrics", headers={"Host": "10.0.0.7:8000"}, timeout=5
        )

        # Then the log and the traces lead from the requests to what they did, in web and processor
        def lines() -> list[dict[str, object]]:
            assert installation.log is not None
            lines = installation.log.read_text().splitlines()
            assert [line for line in lines if not line.startswith("{")] == []
            return [json.loads(line) for line in lines]

        def spans_of(request_id: str) -> list[str]:
            """Return the statements of the trace of a request."""
            trace_ids = {
                span.trace_id
                for span in collector.spans
                if attributes_of(span).get("wallet.request_id") == request_id
            }
            return [
                str(attributes_of(span).get("db.statement", ""))
                for span in collector.spans
                if span.trace_id in trace_ids
            ]

        wait_until(lambda: any("ledger_post" in statement for statement in spans_of("one")))
        wait_until(lambda: any("insufficient_funds" in str(line["message"]) for line in lines()))
        wait_until(
            lambda: any(
                "pg_try_advisory_xact_lock" in str(attributes_of(span).get("db.statement"))
                for span in collector.spans
            )
        )

    service.terminate()
    assert service.wait(DEADLINE_SECONDS) == 0
    assert figures.status_code == 200
    by_request = {
        (line.get("request_id"), line.get("route")) for line in lines() if line.get("request_id")
    }
    assert {("one", "wallet/deposit"), ("two", "transaction"), ("two", None)} <= by_request
    assert {"gunicorn.error", "intake.processor"} <= {str(line["logger"]) for line in lines()}
    assert len({line["process"] for line in lines()}) >= 3
    routes = {attributes_of(span).get("http.route") for span in collector.spans}
    assert "wallet/info/<id:token>" in routes

    # And neither contains secrets
    text, raw = installation.log.read_text(), collector.raw
    secrets = {EMAIL, PASSWORD, AMOUNT, "9999.99", token, wallet, "127.0.0.1", *PERSON.values()}
    assert {secret for secret in secrets if secret.encode() in raw} == set()
    assert {secret for secret in secrets - {"127.0.0.1"} if secret in text} == set()


def test_tracing_is_not_imported_without_an_endpoint(installation: Installation) -> None:
    program = "import sys, config.wsgi, config.urls; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=BASE_DIR,
        env=installation.environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    )
    assert "prometheus_client" in result.stdout
    assert "opentelemetry" not in result.stdout
