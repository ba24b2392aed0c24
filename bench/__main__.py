"""`make bench`: what the service does a second, beside what PostgreSQL and plain Django do."""

import argparse
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command

from bench import report, wrk
from bench.machine import describe_machine
from bench.rows import InvalidRun, interleave
from bench.service import exit_in_order, fresh_installation
from bench.targets import targets
from config.environment import BASE_DIR

LONGEST_SECONDS = 20 * 60


def main(options: argparse.Namespace) -> None:
    """Measure, print the tables, and write them, unless only a part was asked for."""
    started = time.monotonic()
    machine = describe_machine()
    print(f"{machine}\nSetting up …", flush=True)
    settings = {"WALLET_SERVICE_WORKERS": "1"} if options.quick else {}
    with fresh_installation(**settings) as installation, ExitStack() as stack:
        # Its rows import models, which need Django set up.
        from bench.suite import FULL, QUICK, Suite

        plan = QUICK if options.quick else FULL
        plan = replace(
            plan, groups=options.only or plan.groups, repeats=options.repeats or plan.repeats
        )
        suite = Suite(stack, installation, plan)
        print(f"Measuring, after {time.monotonic() - started:.0f} seconds …", flush=True)
        results = interleave(suite.rows, plan.repeats)
        stack.close()
        call_command("verify_ledger")
        growth = suite.service.growth if suite.service else []
    run = report.run_as_json(
        machine,
        results,
        targets(results, growth),
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
    parser.add_argument("--output", type=Path, metavar="DIRECTORY", default=BASE_DIR / "docs")
    parser.add_argument("--without-wrk", action="store_true", help="leave out most of HTTP")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    if sys.platform != "linux":
        sys.exit("make bench needs Linux.")
    if not wrk.is_installed() and not arguments.without_wrk:
        sys.exit(wrk.MISSING)
    exit_in_order(LONGEST_SECONDS)
    try:
        main(arguments)
    except InvalidRun as reason:
        sys.exit(f"The run is invalid. {reason}")
