"""A fake `docker`: records each call and which services run.

A service with a command in FAKE_DOCKER_HOME/processes.json runs as a process, which a SIGTERM stops
like a container. All others are only recorded as running.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

HOME = Path(os.environ["FAKE_DOCKER_HOME"])
DEADLINE_SECONDS = 60

yaml.SafeLoader.add_constructor("!reset", lambda _loader, _node: None)
yaml.SafeLoader.add_constructor(
    "!override",
    lambda loader, node: loader.construct_sequence(node, deep=True),  # type: ignore[arg-type]
)


def main(arguments: list[str]) -> int:
    """Run `docker ARGUMENTS`. Return its status."""
    with (HOME / "calls").open("a") as calls:
        calls.write(" ".join(arguments) + "\n")
    state = _read("state.json", {"running": {}, "images": []})
    try:
        match arguments:
            case ["ps", *options]:
                [wanted] = (part for part in options if "wallet.deployment=" in part)
                deployment = wanted.rpartition("=")[2]
                runs = (name for name, label in state["running"].items() if label == deployment)
                sys.stdout.writelines(f"{name}\n" for name in runs)
                return 0
            case ["image", "inspect", image]:
                return image not in state["images"]
            case ["image", "rm", image]:
                state["images"] = [name for name in state["images"] if name != image]
                return 0
            case ["compose", *options]:
                return _compose(options, state)
    finally:
        (HOME / "state.json").write_text(json.dumps(state))
    sys.exit(f"The fake does not support: docker {' '.join(arguments)}")


def _compose(options: list[str], state: dict[str, Any]) -> int:
    words = [option for option in options if not option.startswith("-")]
    if "build" in options:
        release = os.environ["WALLET_RELEASE"]
        state["images"] += [f"wallet-service:{release}", f"wallet-service-backup:{release}"]
        return 0
    if "up" in words:
        host = Path(options[options.index("up") - 1])
        return max(_start(name, host, state) for name in words[words.index("up") + 1 :])
    if "exec" in words:
        command = _read("processes.json", {}).get("reload")
        return subprocess.run(command, check=False).returncode if command else 0
    return 0


def _start(name: str, host: Path, state: dict[str, Any]) -> int:
    """Replace the running service by that of `host.yml`, unless it is the same."""
    services = yaml.safe_load(host.read_text())["services"]
    label = services.get(name, {}).get("labels", {}).get("wallet.deployment", "any")
    if state["running"].get(name) == label:
        return 0
    if any(line in f"{name} {label}" for line in _read("broken.json", [])):
        sys.stderr.write(f"container wallet-{name}-1 is unhealthy\n")
        state["running"].pop(name, None)
        return 1
    process = _read("processes.json", {}).get(name)
    if process:
        _stop(name)
        _spawn(name, process)
    state["running"][name] = label
    sys.stderr.write(f" Container wallet-{name}-1  Started\n")
    return 0


def _spawn(name: str, process: dict[str, Any]) -> None:
    with (HOME / f"{name}.log").open("ab") as log:
        started = subprocess.Popen(
            process["command"],
            env={**os.environ, **process["environment"]},
            cwd=process["directory"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (HOME / f"{name}.pid").write_text(str(started.pid))
    _wait(lambda: _listens(process["port"]), f"{name} does not listen")


def _stop(name: str) -> None:
    file = HOME / f"{name}.pid"
    if file.exists():
        pid = int(file.read_text())
        os.kill(pid, signal.SIGTERM)
        _wait(lambda: not _is_alive(pid), f"{name} does not end")


def _is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        # A zombie has ended; its parent was an earlier call of this program.
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _wait(is_true: Any, otherwise: str) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_true():
        if time.monotonic() > deadline:
            sys.exit(otherwise)
        time.sleep(0.05)


def _read(name: str, default: Any) -> Any:
    file = HOME / name
    return json.loads(file.read_text()) if file.exists() else default


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
