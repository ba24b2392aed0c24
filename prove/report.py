"""What a run prints."""

import json
from collections.abc import Sequence
from pathlib import Path

from prove.faults import CATALOGUE
from prove.mutants import Verdict
from prove.operations import Log, Operation, Violation
from prove.proof import Proof, Tally
from prove.watch import TOTALS_EVERY

SHOWN_VIOLATIONS = 20


def write_log(log: Log, path: Path) -> None:
    """Write all operations of a run, one to a line."""
    with path.open("w") as written:
        for operation in log.operations.values():
            written.write(json.dumps(operation.record) + "\n")


def lines_of(proof: Proof, *, has_disk: bool) -> list[str]:
    """Return the tables of a proof."""
    tables = (
        _cases(proof.tally),
        lines_of_faults(proof.tally, has_disk=has_disk),
        _operations(proof.log),
        _answers(proof),
        _violations(proof.log.violations),
    )
    return [line for table in tables for line in ("", *table)]


def lines_of_faults(tally: Tally, *, has_disk: bool) -> list[str]:
    """Return the table of the faults: how often each has struck, or why it never did."""
    lines = [_row(("fault", "struck", "missed", "back after"))]
    for fault in CATALOGUE:
        if fault.needs_disk and not has_disk:
            lines.append(f"{fault.kind:<32} skipped: only root may mount a disk")
            continue
        seconds = f"{tally.recovery_seconds.get(fault.kind, 0):.1f} s"
        lines.append(
            _row((fault.kind, tally.struck[fault.kind], tally.missed[fault.kind], seconds))
        )
    kinds = sum(1 for count in tally.struck.values() if count)
    return [*lines, f"{tally.faults} faults of {kinds} kinds."]


def lines_of_verdicts(verdicts: Sequence[Verdict]) -> list[str]:
    """Return the table of the mutants."""
    lines = ["", f"{'mutant':<36}{'rounds':<8}caught by"]
    for verdict in verdicts:
        caught = ", ".join(verdict.caught_by) or "nothing"
        wrong = "" if verdict.is_right else ": WRONG"
        lines.append(f"{verdict.mutant.name:<36}{verdict.rounds:<8}{caught}{wrong}")
    return lines


def _violations(violations: Sequence[Violation]) -> list[str]:
    if not violations:
        return ["No violation."]
    shown = [f"  {each.invariant}: {each.text}" for each in violations[:SHOWN_VIOLATIONS]]
    return [f"{len(violations)} VIOLATIONS:", *shown]


def _cases(tally: Tally) -> list[str]:
    head = ("load", "rounds", "faults", "operations", "acknowledged", "violations", "seconds")
    rows = [
        (c.name, c.rounds, c.faults, c.operations, c.acknowledged, c.violations, round(c.seconds))
        for c in tally.cases.values()
    ]
    total = ("all", *(sum(int(row[column]) for row in rows) for column in range(1, len(head))))
    return [_row(row) for row in (head, *rows, total)]


def _operations(log: Log) -> list[str]:
    everything = list(log.operations.values())
    lines = [_row(("operation", "sent", "acknowledged", "carried out", "ambiguous", "repeated"))]
    for name in sorted({operation.name for operation in everything}):
        lines.append(_row((name, *_counts([each for each in everything if each.name == name]))))
    return [*lines, _row(("all", *_counts(everything)))]


def _counts(operations: Sequence[Operation]) -> tuple[int, ...]:
    return (
        len(operations),
        sum(1 for each in operations if each.is_acknowledged),
        sum(1 for each in operations if each.is_done),
        sum(each.ambiguous for each in operations),
        sum(each.repeats for each in operations),
    )


def _answers(proof: Proof) -> list[str]:
    log, watch = proof.log, proof.watch
    counts = ", ".join(f"{count} times {status}" for status, count in sorted(log.statuses.items()))
    refused = sum(1 for each in log.operations.values() if each.must_fail)
    return [
        f"Last answers: {counts}.",
        f"Keys looked up after a lost answer: {log.lookups['completed']} times completed,"
        f" {log.lookups['unknown']} times unknown.",
        f"Begun after an acknowledged revocation: {refused}.",
        f"Totals read: {watch.looks // TOTALS_EVERY} times in snapshots,"
        f" {watch.reads} times over HTTP.",
    ]


def _row(cells: Sequence[object]) -> str:
    return f"{cells[0]!s:<32}" + "".join(f"{cell!s:>13}" for cell in cells[1:])
