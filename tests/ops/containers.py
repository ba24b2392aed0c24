"""Reads Dockerfile, .dockerignore and docker-compose.yml, and runs the containers' commands."""

import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.environment import BASE_DIR

# The user id in the image.
IMAGE_USER = 10_001


@cache
def compose() -> dict[str, Any]:
    """Return docker-compose.yml, parsed, with its variables not replaced."""
    parsed: dict[str, Any] = yaml.safe_load((BASE_DIR / "docker-compose.yml").read_text())
    return parsed


def service(name: str) -> dict[str, Any]:
    definition: dict[str, Any] = compose()["services"][name]
    return definition


def interpolate(value: object, variables: Mapping[str, str] | None = None) -> str:
    """Replace `${NAME:-default}` as docker-compose does."""

    def replaced(match: re.Match[str]) -> str:
        return (variables or {}).get(match["name"]) or match["default"]

    return re.sub(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}", replaced, str(value))


def environment_of(name: str) -> dict[str, str]:
    """Return the environment of a service with the defaults of all variables."""
    return {key: interpolate(value) for key, value in service(name)["environment"].items()}


def instructions(target: str = "service") -> list[tuple[str, str]]:
    """Return the instructions of a target of the Dockerfile and of its base stages, in order."""
    text = re.sub(r"^#.*\n", "", (BASE_DIR / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = text.replace("\\\n", " ").splitlines()
    stages: dict[str, list[tuple[str, str]]] = {"": []}
    stage = ""
    for word, _, rest in (line.strip().partition(" ") for line in lines if line.strip()):
        if word == "FROM":
            base, _, stage = rest.partition(" AS ")
            stages[stage] = list(stages.get(base, []))
        else:
            stages[stage].append((word, re.sub(r"\s+", " ", rest.strip())))
    return stages[target]


def image_environment(target: str = "service") -> dict[str, str]:
    """Return the variables of the ENV instructions."""
    pairs = (pair for word, rest in instructions(target) if word == "ENV" for pair in rest.split())
    return dict(pair.split("=", 1) for pair in pairs)


def image_command(target: str = "service") -> list[str]:
    """Return the last CMD."""
    command: list[str] = json.loads(
        next(rest for word, rest in reversed(instructions(target)) if word == "CMD")
    )
    return command


def image_probe() -> list[str]:
    """Return the command of HEALTHCHECK."""
    [rest] = [rest for word, rest in instructions() if word == "HEALTHCHECK"]
    command: list[str] = json.loads(rest.partition(" CMD ")[2])
    return command


def is_in_build_context(path: Path) -> bool:
    """Return whether .dockerignore keeps a path, relative to the project, in the build context."""
    rules = [
        line
        for line in (BASE_DIR / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    is_ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!").removeprefix("/")
        # A rule applies to a path and everything below it.
        above = [path, *path.parents][:-1]
        if any(_matches(str(parent), pattern) for parent in above):
            is_ignored = not rule.startswith("!")
    return not is_ignored


def _matches(path: str, pattern: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(path.rpartition("/")[2], pattern[3:])
    return fnmatchcase(path, pattern) and path.count("/") == pattern.count("/")


def context() -> Iterator[Path]:
    """Yield the files of the build context, relative to the checkout."""
    for folder, folders, files in os.walk(BASE_DIR):
        # Skip environments, data and caches: they are large, and other tests check them.
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = ((Path(folder) / name).relative_to(BASE_DIR) for name in files)
        yield from filter(is_in_build_context, paths)


def build(image: Path, venv: Path) -> None:
    """Build the image's content: create the environment, copy the build context, compile it.

    The packages are those of this environment: installing them again would take half a minute.
    """
    _make_venv(venv)
    for path in context():
        (image / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(BASE_DIR / path, image / path)
    [command] = [rest for word, rest in instructions() if word == "RUN" and "compileall" in rest]
    subprocess.run(["sh", "-c", command], cwd=image, env=_path(venv), check=True)


def _make_venv(venv: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # The image's user may be unable to enter the directory of root's Python.
    for python in (Path(sys.base_prefix) / "bin" / version, Path("/usr/bin") / version):
        if _may_run(python):
            break
    else:
        pytest.skip(f"There is no {version} that every user may run.")
    subprocess.run([python, "-m", "venv", "--without-pip", venv], check=True)
    packages = venv / "lib" / version / "site-packages"
    (packages / "given.pth").write_text(sysconfig.get_path("purelib"))
    gunicorn = (Path(sys.executable).parent / "gunicorn").read_text().partition("\n")[2]
    (venv / "bin" / "gunicorn").write_text(f"#!{venv}/bin/python\n{gunicorn}")
    (venv / "bin" / "gunicorn").chmod(0o755)


def _may_run(python: Path) -> bool:
    try:
        subprocess.run([python, "-c", ""], cwd="/", check=True, **_image_user())
    except OSError:
        return False
    return True


def _image_user() -> dict[str, Any]:
    """Return the image's user as arguments of Popen; only root can switch to it."""
    if os.geteuid():
        return {}
    return {"user": IMAGE_USER, "group": IMAGE_USER, "extra_groups": []}


def make_secrets(root: Path, *arguments: str, port: int | None = None) -> Path:
    """Run `prepare` with folders below `root`; return the folder of the secrets.

    With `port`, the URLs of the database point to 127.0.0.1 and that port.
    """
    for name in ("app", "owner", "database", "monitor"):
        (root / "secrets" / name).mkdir(parents=True, exist_ok=True)
    prepare = runpy.run_path(str(BASE_DIR / "deploy" / "prepare.py"))
    # This process keeps the ownership of the folders.
    prepare["OWNERS"].clear()
    prepare["main"](list(arguments), root)
    if port is not None:
        for file in root.glob("secrets/*/database_url"):
            url = file.read_text().replace("database:5432", f"127.0.0.1:{port}")
            file.unlink()
            file.write_text(url)
            file.chmod(0o444)
    return root / "secrets"


def start(
    image: Path,
    command: list[str],
    *,
    root: Path,
    environment: Mapping[str, str],
    **options: Any,
) -> "subprocess.Popen[str]":
    """Start a command as the image's user, with only the environment of the container.

    `root` contains the folders that the container has at /.
    """
    variables = {
        name: value.replace("/secrets/", f"{root}/secrets/") for name, value in environment.items()
    }
    return subprocess.Popen(
        command,
        cwd=image,
        env=image_environment() | variables | _path(root / "venv"),
        text=True,
        **_image_user(),
        **options,
    )


def files_in(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _path(venv: Path) -> dict[str, str]:
    return {"PATH": f"{venv}/bin:/usr/bin:/bin"}
