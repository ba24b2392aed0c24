"""A temporary directory that replaces a host, and a fake that replaces Docker."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from config.environment import BASE_DIR
from harness.installation import Installation

PROGRAMS = BASE_DIR / ".venv-ansible" / "bin"
DEADLINE_SECONDS = 600
#: The tags of tasks that need packages, systemd, Docker or nftables.
NEEDS_A_HOST = "packages,engine,firewall,systemd"
ADDRESS = "wallet.test"


@dataclass
class Project:
    """A clone of the code, from which releases are made."""

    folder: Path

    def commit(self, change: str) -> str:
        """Commit a change and return the name of its release."""
        (self.folder / "CHANGE").write_text(change)
        self._git("add", "--all")
        self._git("-c", "user.name=T", "-c", "user.email=t@test", "commit", "--quiet", "-m", change)
        return self._git("rev-parse", "HEAD")[:12]

    def tag(self, name: str) -> None:
        self._git("tag", name)

    def _git(self, *arguments: str) -> str:
        git = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Report:
    """The output of a run of the playbook."""

    output: str
    status: int

    @property
    def changed(self) -> int:
        [count] = re.findall(r"\bchanged=(\d+)", self.output)
        return int(count)

    @property
    def messages(self) -> dict[str, str]:
        """The message of the last failure of each host."""
        failures = re.findall(r"^fatal: \[(\S+)\]: FAILED! => (\{.*\})$", self.output, re.M)
        return {host: json.loads(result)["msg"] for host, result in failures}

    @property
    def message(self) -> str:
        return self.messages[ADDRESS]


@dataclass
class Host:
    """A folder that replaces a host's file system. Its Docker is `fake_docker`."""

    root: Path
    project: Project
    variables: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in ("bin", "engine", "units"):
            (self.root / folder).mkdir(parents=True)
        docker = self.root / "bin" / "docker"
        fake = Path(__file__).with_name("fake_docker.py")
        docker.write_text(f'#!/bin/sh\nexec {sys.executable} {fake} "$@"\n')
        docker.chmod(0o755)

    @property
    def etc(self) -> Path:
        return self.root / "etc"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of commands on the host, with the fake Docker on the PATH."""
        return {
            "HOME": str(self.root),
            "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}",
            "FAKE_DOCKER_HOME": str(self.root / "engine"),
        }

    @property
    def current(self) -> str:
        """The name of the current deployment."""
        return self.current_link.resolve().name

    @property
    def current_link(self) -> Path:
        return self.root / "opt" / "current"

    @property
    def running(self) -> dict[str, str]:
        """The deployment that each running service belongs to."""
        running: dict[str, str] = self._engine("state.json")["running"]
        return {name: running[name] for name in ("web-a", "web-b", "worker")}

    @property
    def calls(self) -> list[str]:
        """The calls of Docker, without the options that all of them have."""
        lines = (self.root / "engine" / "calls").read_text().splitlines()
        return [re.sub(r"compose --project-name wallet .*/host\.yml ", "", line) for line in lines]

    def deploy(self, **variables: Any) -> Report:
        """Run the playbook, without the tasks that need a real host."""
        return self._play("ansible_deployment.yml", f"{ADDRESS},", variables)

    def rotate(self, secret: str) -> Report:
        return self._play("rotate_secrets.yml", f"{ADDRESS},", {"secret": secret})

    def check_variables(self, inventory: Path) -> Report:
        """Run only the roles that check the variables and fetch the code."""
        return self._play(self._playbook("request", "code"), str(inventory), {})

    def configure(self, role: str, **variables: Any) -> None:
        """Run one role of the playbook, which has to succeed."""
        report = self._play(self._playbook(role), f"{ADDRESS},", variables)
        assert report.status == 0, report.output

    def _playbook(self, *roles: str) -> str:
        playbook = self.project.folder / "ansible" / "part.yml"
        play = {"hosts": "all", "gather_subset": ["min"], "roles": roles}
        playbook.write_text(json.dumps([play]))
        return playbook.name

    def _play(self, playbook: str, inventory: str, variables: dict[str, Any]) -> Report:
        given = self._folders() | self.variables | variables
        if inventory != f"{ADDRESS},":
            del given["wallet_root"]
        run = subprocess.run(
            [
                PROGRAMS / "ansible-playbook",
                playbook,
                f"--inventory={inventory}",
                "--connection=local",
                # With --diff, which must not show secrets.
                "--diff",
                f"--skip-tags={NEEDS_A_HOST}",
                f"--extra-vars={json.dumps(given)}",
            ],
            cwd=self.project.folder / "ansible",
            env=self.environment | {"ANSIBLE_HOME": str(self.root / "ansible"), "LANG": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
        return Report(run.stdout + run.stderr, run.returncode)

    def run_as_processes(self, processes: dict[str, Any]) -> None:
        """Make the fake Docker run these services as real processes."""
        (self.root / "engine" / "processes.json").write_text(json.dumps(processes))

    def fail_to_start(self, *services: str) -> None:
        """Make the start of containers fail whose name and deployment contain one of these."""
        (self.root / "engine" / "broken.json").write_text(json.dumps(services))

    def forget_calls(self) -> None:
        (self.root / "engine" / "calls").unlink()

    def clean_up(self) -> None:
        for file in (self.root / "engine").glob("*.pid"):
            if psutil.pid_exists(int(file.read_text())):
                os.kill(int(file.read_text()), signal.SIGTERM)

    def _engine(self, name: str) -> Any:
        return json.loads((self.root / "engine" / name).read_text())

    def _folders(self) -> dict[str, Any]:
        return {
            "ansible_become": False,
            "ansible_python_interpreter": str(PROGRAMS / "python"),
            "backup_owner": os.getuid(),
            "secrets_owner": os.getuid(),
            "wallet_backups": str(self.root / "backups"),
            "wallet_command": str(self.root / "bin" / "wallet"),
            "wallet_etc": str(self.etc),
            "wallet_metrics": str(self.root / "metrics"),
            "wallet_root": str(self.root / "opt"),
            "wallet_units": str(self.root / "units"),
        }


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    if not (PROGRAMS / "ansible-playbook").exists():
        pytest.skip("Ansible is not installed here: make install-ansible")
    folder = tmp_path / "project"
    for name in ("ansible", "deploy"):
        shutil.copytree(BASE_DIR / name, folder / name)
    shutil.copy(BASE_DIR / "docker-compose.yml", folder)
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    host = Host(tmp_path / "host", Project(folder))
    yield host
    host.clean_up()


@pytest.fixture
def installation() -> Iterator[Installation]:
    """The demo, whose database the host's web servers use."""
    # Not pytest's directory, which the database's user cannot enter.
    with tempfile.TemporaryDirectory(prefix="wallet-test-") as directory:
        installation = Installation(data_dir=Path(directory, "data"))
        yield installation
        installation.clean_up()
