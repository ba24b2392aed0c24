"""Calls over HTTP by wrk, the load generator. `lua/calls.lua` makes its requests."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from bench.machine import Stopwatch
from bench.rows import InvalidRun, Sample

CONNECTIONS = 16
MISSING = "make bench needs wrk, the load generator: `apt-get install wrk`, or `brew install wrk`."
_SCRIPT = Path(__file__).with_name("lua") / "calls.lua"
_runs = count(1_000)
#: How many times longer to try when a busy machine has answered no call.
_PATIENCE = (1, 4, 16)

#: Lists of what calls are made of: wallets, or objects with a token.
Data = Mapping[str, Sequence[str] | Sequence[Mapping[str, str]]]


def is_installed() -> bool:
    """Return whether the machine has wrk."""
    return shutil.which("wrk") is not None


def write_data(file: Path, data: Data) -> Path:
    """Write the lists that the script reads."""
    lists = (f"  {name} = {{{', '.join(map(_lua, items))}}}," for name, items in data.items())
    file.write_text("data = {\n" + "\n".join(lists) + "\n}\n")
    return file


def call(
    name: str,
    data: Path,
    *,
    port: int,
    seconds: float,
    watch: Callable[[], Stopwatch],
    connections: int = CONNECTIONS,
) -> Sample:
    """Send as many calls as are answered in `seconds`; if none is, try again for longer.

    Raises `InvalidRun` when a call is answered by a 4xx or a 5xx, or not at all.
    """
    for patience in _PATIENCE:
        running = watch()
        found = _run(name, data, port, max(1, round(seconds * patience)), connections)
        if found["broken"] or found["refused"] or found["cut_off"]:
            raise InvalidRun(
                f"Of {found['requests']:,} calls of {name!r}, {found['broken']:,} were answered by"
                f" a 5xx, {found['refused']:,} by a 4xx, and {found['cut_off']:,} broke off."
            )
        if found["requests"]:
            cost = replace(running.stop(found["requests"]), seconds=found["seconds"])
            return Sample(cost, p50_ms=found["p50_ms"], p99_ms=found["p99_ms"])
    raise InvalidRun(f"No call of {name!r} was answered in {seconds * patience:.0f} seconds.")


def _run(name: str, data: Path, port: int, seconds: int, connections: int) -> dict[str, Any]:
    result = subprocess.run(
        [
            *("wrk", f"--threads={min(2, connections)}", f"--connections={connections}"),
            *(f"--duration={seconds}s", "--timeout=60s", f"--script={_SCRIPT}"),
            *(f"http://127.0.0.1:{port}", "--", str(data), name, str(next(_runs))),
        ],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    if result.returncode or not (lines := result.stdout.splitlines()):
        raise InvalidRun(f"wrk broke: {result.stderr[-500:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def _lua(item: str | Mapping[str, str]) -> str:
    if isinstance(item, str):
        return f'"{item}"'
    return "{" + ", ".join(f'{name} = "{value}"' for name, value in item.items()) + "}"
