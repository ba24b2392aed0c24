"""The tables, as text, as `docs/benchmarks.md` and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.machine import Machine
from bench.rows import Result
from bench.targets import Target

_WHOLE_FROM = 100
_HEAD = Path(__file__).with_name("head.md")


def targets_table(targets: Sequence[Target]) -> list[str]:
    """Return the table of the targets."""
    lines = ["| row | against | measured | target | reached |", "|---|---|---:|---:|---|"]
    reached = {True: "yes", False: "**no**", None: "not measured"}
    lines += [
        f"| {t.row} | {t.against} | {_figure(t.measured)} | {t.sign} {_figure(t.wanted)}"
        f" | {reached[t.is_reached]} |"
        for t in targets
    ]
    return lines


def results_table(results: Mapping[str, Result]) -> list[str]:
    """Return the table of the rows."""
    lines = [
        "| what | a second | lowest to highest | p50 ms | p99 ms | Python µs | PostgreSQL µs |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for result in results.values():
        low, high = result.spread
        lines.append(
            f"| {result.title} | {result.rate:,.0f} | {low:,.0f} to {high:,.0f}"
            f" | {_figure(result.p50_ms)} | {_figure(result.p99_ms)}"
            f" | {_whole(result.python_us)} | {_whole(result.postgres_us)} |"
        )
    return lines


def run_as_json(
    machine: Machine,
    results: Mapping[str, Result],
    targets: Sequence[Target],
    notes: Sequence[str],
    **more: Any,
) -> dict[str, Any]:
    """Return a run for benchmarks.json: all samples, and both tables as they are shown."""
    return {
        "machine": asdict(machine),
        "rows": {name: result.as_json() for name, result in results.items()},
        "targets": [asdict(t) | {"is_reached": t.is_reached} for t in targets],
        "notes": list(notes),
        "tables": {"targets": targets_table(targets), "rows": results_table(results)},
        **more,
    }


def write(directory: Path, name: str, run: Mapping[str, Any]) -> None:
    """Replace the last run of this name, and write both files anew."""
    directory.mkdir(parents=True, exist_ok=True)
    raw = directory / "benchmarks.json"
    runs = json.loads(raw.read_text()) if raw.exists() else {}
    runs[name] = run
    raw.write_text(json.dumps(runs, indent=1, sort_keys=True) + "\n")
    (directory / "benchmarks.md").write_text(_page(runs))


def _page(runs: Mapping[str, Any]) -> str:
    parts = [_HEAD.read_text().rstrip()]
    if run := runs.get("bench"):
        parts += ["## What is reached", *_of(run)]
    if run := runs.get("growth"):
        parts += ["## Ten million transactions", *_of(run)]
    return "\n\n".join(parts) + "\n"


def _of(run: Mapping[str, Any]) -> list[str]:
    machine = run["machine"]
    return [
        f"{run['finished_at']}, {run['minutes']} minutes, {run['repeats']} times each, on"
        f" {machine['cores']} cores and {machine['memory_gib']} GiB, {machine['kernel']}, Python"
        f" {machine['python']}, PostgreSQL {machine['postgres']}; a flush took"
        f" {machine['fsync_ms']} ms, the load before was {machine['load_before']}.",
        "\n".join(run["tables"]["targets"]),
        "\n".join(run["tables"]["rows"]),
        "\n".join(f"- {note}" for note in run["notes"]),
    ]


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= _WHOLE_FROM else f"{value:.3g}"


def _whole(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
