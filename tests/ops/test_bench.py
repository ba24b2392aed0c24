"""`make bench --quick`: every benchmark runs."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from config.environment import BASE_DIR

HAS_WRK = shutil.which("wrk") is not None
TIMEOUT_SECONDS = 600
WITHOUT_WRK = {
    *("limit.statements", "limit.function", "limit.once", "limit.hot", "limit.batch"),
    *("post.once", "post.single", "post.batch", "intake", "intake.post", "import"),
}
BY_WRK = {
    *("http.bare", "http.orm", "http.charge", "http.hot", "http.deposit", "http.info"),
    *("http.paytoken", "http.request", "http.hold", "http.capture", "http.split"),
    *("history.ten", "history.first", "history.deep"),
}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bench")]


@dataclass(frozen=True)
class Bench:
    """The output of the benchmarks and the files that they wrote."""

    printed: str
    page: str
    run: dict[str, Any]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    directory = tmp_path_factory.mktemp("bench")
    options = ["--quick", f"--output={directory}", *([] if HAS_WRK else ["--without-wrk"])]
    result = subprocess.run(
        [sys.executable, "-m", "bench", *options],
        cwd=BASE_DIR,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    raw = json.loads((directory / "benchmarks.json").read_text())
    return Bench(result.stdout, (directory / "benchmarks.md").read_text(), raw["bench"])


def test_all_benchmarks_without_wrk_are_measured(bench: Bench) -> None:
    rows = bench.run["rows"]

    assert rows.keys() >= WITHOUT_WRK
    assert all(row["rate"] > 0 for row in rows.values())


def test_the_tables_are_printed_and_kept(bench: Bench) -> None:
    lines = [*bench.run["tables"]["targets"], *bench.run["tables"]["rows"]]

    assert len(lines) > len(WITHOUT_WRK)
    for line in lines:
        assert line in bench.printed
        assert line in bench.page


def test_the_ledger_is_correct_after_the_benchmarks(bench: Bench) -> None:
    assert "Every balance and version agrees with the transactions." in bench.printed


def test_the_machine_is_named(bench: Bench) -> None:
    machine = bench.run["machine"]

    assert machine["cores"] > 0
    assert machine["postgres"] in bench.page


@pytest.mark.skipif(not HAS_WRK, reason="wrk, the load generator, is not installed")
def test_every_call_is_measured(bench: Bench) -> None:
    rows = bench.run["rows"]

    assert rows.keys() >= BY_WRK
    for name in BY_WRK:
        assert rows[name]["p99_ms"] >= rows[name]["p50_ms"] > 0


@pytest.mark.skipif(not HAS_WRK, reason="wrk, the load generator, is not installed")
def test_a_workers_memory_is_watched(bench: Bench) -> None:
    assert all(look["mib"] > 0 for look in bench.run["memory"])
    assert bench.run["memory"]
