"""Real processes on free loopback ports; each test has its own data directory."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psycopg
import pytest

from config.environment import FILE_SUFFIX, VARIABLES
from harness.installation import Installation
from ops.embedded_postgres import Role, database_url


def is_running(data_dir: Path) -> bool:
    """Return whether the embedded server of this directory answers."""
    try:
        psycopg.connect(database_url(data_dir, Role.APP)).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def workdir() -> Iterator[Path]:
    """An empty directory. Not pytest's tmp_path, which the database's user cannot enter."""
    with tempfile.TemporaryDirectory(prefix="wallet-test-") as directory:
        yield Path(directory)


@pytest.fixture
def installation(workdir: Path) -> Iterator[Installation]:
    installation = Installation(workdir / "data")
    yield installation
    installation.clean_up()


@pytest.fixture
def set_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[Mapping[str, str]], None]:
    """Set exactly these settings in this process."""

    def set_only(settings: Mapping[str, str]) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
            monkeypatch.delenv(name + FILE_SUFFIX, raising=False)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)

    # Ignore the developer's `.env` and data directory.
    monkeypatch.setattr("config.environment.BASE_DIR", tmp_path)
    monkeypatch.setattr("config.declarations.kinds.BASE_DIR", tmp_path)
    return set_only
