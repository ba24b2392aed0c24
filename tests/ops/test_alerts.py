"""The alert rules: valid for Prometheus, with existing metrics, each with a runbook entry."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from config.environment import BASE_DIR
from core.unit_of_work import unit_of_work
from intake.processor import Processor
from ledger.verification import verify_ledger
from tests.factories import a_client
from tests.metrics import Samples, scrape

RULES = BASE_DIR / "deploy" / "prometheus" / "alerts.yml"
RUNBOOK = BASE_DIR / "docs" / "runbook.md"
OBSERVABILITY = BASE_DIR / "docs" / "observability.md"
#: Metrics of Prometheus, node_exporter, postgres_exporter and the daily backup.
FOREIGN = ("up", "node_", "pg_", "wallet_backup_")
#: Metrics that exist only after an error, or with several processes.
OPTIONAL = {
    "wallet_facts_failed",
    "wallet_job_failed",
    "wallet_login_failures",
    "wallet_pool_connections",
    "wallet_pool_timeouts",
    "wallet_pool_wait_seconds",
    "wallet_pool_waiting",
    "wallet_pool_waits",
    "wallet_rate_limited",
    "wallet_units_of_work_given_up",
}


def alerts() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from group["rules"]


def metrics_of(expression: str) -> set[str]:
    """Return the names of the metrics: words that are no function, label or number."""
    without_labels = re.sub(r"\{[^}]*\}|\"[^\"]*\"|(by|without)\s*\([^)]*\)", " ", expression)
    words = set(re.findall(r"\b[A-Za-z_]\w*\b(?!\s*\()", without_labels))
    return {word for word in words if "_" in word or word == "up"}


@pytest.fixture
def figures(books: None) -> Samples:
    """The metrics after a deposit, a queued transaction and a verification."""
    client = a_client(holds="1.00")
    assert client.api.post("/transaction", {"value": "1.00"}).status == 202
    processor = Processor()
    processor.step()
    unit_of_work(processor.release)
    verify_ledger()
    return scrape()


def family_of(name: str) -> str:
    return re.sub(r"_(total|bucket|sum|count)$", "", name)


def test_promtool_accepts_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; Debian has it in the package prometheus")
    for arguments in (
        ["check", "rules", str(RULES)],
        ["test", "rules", str(BASE_DIR / "tests" / "ops" / "alerts.yml")],
    ):
        result = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_each_alert_uses_existing_metrics(figures: Samples) -> None:
    existing = {family_of(name) for name in figures.names} | OPTIONAL
    used = {metric for alert in alerts() for metric in metrics_of(alert["expr"])}

    own = {family_of(name) for name in used if not name.startswith(FOREIGN)}
    assert len(own) > 15
    assert own <= existing


def test_each_alert_links_to_the_runbook() -> None:
    headings = re.findall(r"^### (\w+)$", RUNBOOK.read_text(), re.M)
    names = [alert["alert"] for alert in alerts()]

    assert sorted(headings) == sorted(names)
    for alert in alerts():
        anchor = alert["alert"].lower()
        assert alert["annotations"]["runbook"] == f"docs/runbook.md#{anchor}"
        assert alert["labels"]["severity"] in {"page", "ticket"}
        assert alert["annotations"]["summary"]
    links = set(re.findall(r"\]\(#(\w+)\)", RUNBOOK.read_text()))
    assert links <= {name.lower() for name in names}


def test_every_metric_is_documented(figures: Samples) -> None:
    documented = set(re.findall(r"`(wallet_\w+)`", OBSERVABILITY.read_text()))

    families = {family_of(name) for name in documented}
    assert {family_of(name) for name in figures.names if "_created" not in name} <= families
    assert families - OPTIONAL <= {family_of(name) for name in figures.names}
