"""Caddy as a process, with a configuration of the project."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.waiting import DEADLINE_SECONDS

CADDY = Path(sys.executable).with_name("caddy")


@contextmanager
def caddy(configuration: Path, folder: Path, **variables: str) -> Iterator[Path]:
    """Run it with these variables, with `folder` for its own files; yield the file of its log."""
    if not CADDY.exists():
        pytest.skip("Caddy is not installed here: its package is for Linux x86-64")
    log = folder / "caddy.log"
    data = dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"), str(folder))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [CADDY, "run", f"--config={configuration}", "--adapter=caddyfile"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], **data, **variables},
            stdout=output,
            stderr=output,
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)
