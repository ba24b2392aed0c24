"""A running service for the clients: processes with their own database and port."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.installation import Installation


@pytest.fixture(scope="session")
def service() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="wallet-test-") as directory:
        installation = Installation(data_dir=Path(directory) / "data")
        try:
            installation.serve()
            yield installation
        finally:
            installation.clean_up()
