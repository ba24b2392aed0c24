"""`make bench`: what the service does, beside what could be done on the same machine."""

import argparse
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command

from bench import report, wrk
from bench.machine import describe_machine
from bench.rows import BrokenRun, interleave
from bench.service import end_in_order, fresh_service
from bench.targets import targets
from config.environment import BASE_DIR

#: Whatever hangs, the bench does not.
LONGEST_SECONDS = 20 * 60


def main(options: argparse.Namespace) -> None:
    """Measure, print the tables, and write them, unless only a part was asked for."""
    started = time.monotonic()
    if options.quick:
        os.environ["WALLET_SERVICE_WORKERS"] = "1"
    machine = describe_machine()
    print(f"{machine}\nSetting up …", flush=True)
    with fresh_service() as data_dir, ExitStack() as stack:
        # Its rows want Django, which is set up now.
        from bench.suite import FULL, QUICK, Suite

        plan = QUICK if options.quick else FULL
        plan = replace(
            plan,
            groups=options.only or plan.groups,
            repeats=options.repeats or plan.repeats,
            pgledger=options.pgledger,
        )
        suite = Suite(stack, data_dir, plan)
        print(f"Measuring, after {time.monotonic() - started:.0f} seconds …", flush=True)
        results = interleave(suite.rows, plan.repeats)
        stack.close()
        call_command("verify_ledger")
        growth = suite.service.growth if suite.service else []
    reached = targets(results, growth)
    run = report.run_as_json(
        machine,
        results,
        reached,
        suite.notes,
        repeats=plan.repeats,
        finished_at=datetime.now(UTC).strftime("%-d %B %Y"),
        minutes=round((time.monotonic() - started) / 60, 1),
        memory=[{"calls": calls, "mib": round(mib, 1)} for calls, mib in growth],
    )
    for line in (*run["tables"]["targets"], "", *run["tables"]["rows"], "", *suite.notes):
        print(line)
    if not options.only:
        report.write(options.output, "bench", run)
        print(f"Written: {options.output / 'benchmarks.md'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="seconds: the figures mean nothing")
    parser.add_argument("--only", action="append", metavar="GROUP", help="a part; writes no file")
    parser.add_argument("--repeats", type=int, metavar="N", help="how often each is measured")
    parser.add_argument("--pgledger", type=Path, metavar="CLONE", help="a clone of pgledger")
    parser.add_argument("--output", type=Path, metavar="DIRECTORY", default=BASE_DIR / "docs")
    parser.add_argument("--without-wrk", action="store_true", help="leave out most of HTTP")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    if not Path("/proc/self/stat").exists():
        sys.exit("make bench reads processor times from /proc, so it wants Linux.")
    if not wrk.is_there() and not arguments.without_wrk:
        sys.exit(wrk.MISSING)
    end_in_order(LONGEST_SECONDS)
    try:
        main(arguments)
    except BrokenRun as broken:
        sys.exit(f"The run is worth nothing. {broken}")
