"""The alert rules: Prometheus takes them, they ask for what exists, and each says what to do."""

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
#: What comes from others: Prometheus itself, node_exporter, postgres_exporter, the daily backup.
FOREIGN = ("up", "node_", "pg_", "wallet_backup_")
#: What there is only after something went wrong, or in a server of several processes.
SELDOM = {
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
    """A scrape after something has happened."""
    client = a_client(holds="1.00")
    assert client.api.post("/transaction", {"value": "1.00"}).status == 202
    processor = Processor()
    processor.step()
    unit_of_work(processor.release)
    verify_ledger()
    return scrape()


def family_of(name: str) -> str:
    return re.sub(r"_(total|bucket|sum|count)$", "", name)


def test_prometheus_takes_them() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed; Debian has it in the package prometheus")
    for arguments in (
        ["check", "rules", str(RULES)],
        ["test", "rules", str(BASE_DIR / "tests" / "ops" / "alerts.yml")],
    ):
        result = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout + result.stderr


def test_each_asks_for_figures_that_exist(figures: Samples) -> None:
    told = {family_of(name) for name in figures.names} | SELDOM
    asked = {metric for alert in alerts() for metric in metrics_of(alert["expr"])}

    ours = {family_of(name) for name in asked if not name.startswith(FOREIGN)}
    assert len(ours) > 15
    assert ours <= told


def test_each_leads_to_its_paragraph_of_the_runbook() -> None:
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


def test_the_table_has_every_figure(figures: Samples) -> None:
    documented = set(re.findall(r"`(wallet_\w+)`", OBSERVABILITY.read_text()))

    families = {family_of(name) for name in documented}
    assert {family_of(name) for name in figures.names if "_created" not in name} <= families
    assert families - SELDOM <= {family_of(name) for name in figures.names}
