"""What the timer runs every day on a host."""

import subprocess
import time
from pathlib import Path

import pytest

from tests.deployment.conftest import Host

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("deployment")]

#: Stands in for docker compose: makes a file, as the container of the backup does.
MAKES_ONE = """#!/bin/sh
: > "{backups}/wallet-$(date +%s%N).dump"
"""


def back_up(host: Host) -> int:
    script = host.etc / "backup.sh"
    return subprocess.run([script], env=host.environment, check=False).returncode


def made_at(figures: Path) -> int:
    name, seconds = figures.read_text().split()
    assert name == "wallet_backup_timestamp_seconds"
    return int(seconds)


def test_only_a_backup_that_was_carried_off_counts(host: Host) -> None:
    # Given a host whose backups are carried off by a command
    hook = host.root / "bin" / "carry-off"
    host.etc.mkdir()
    host.configure("backup", wallet_backup_hook=str(hook))
    command = host.root / "bin" / "wallet"
    command.write_text(MAKES_ONE.format(backups=host.root / "backups"))
    hook.write_text("#!/bin/sh\nexit 1\n")
    for program in (command, hook):
        program.chmod(0o755)
    figures = host.root / "metrics" / "wallet_backup.prom"

    # When that fails, then the monitoring hears of no backup
    assert back_up(host) == 1
    assert not figures.exists()

    # When it succeeds, then it hears when, in a file that node_exporter may read
    hook.write_text("#!/bin/sh\n")
    before = int(time.time())
    assert back_up(host) == 0
    assert before <= made_at(figures) <= time.time()
    assert figures.stat().st_mode & 0o777 == 0o644
    assert list(figures.parent.iterdir()) == [figures]

    # When the next one is not even made, then that stays
    figures.write_text("wallet_backup_timestamp_seconds 1000\n")
    command.write_text("#!/bin/sh\nexit 1\n")
    assert back_up(host) == 1
    assert made_at(figures) == 1000
