"""A running service for the clients: processes with their own database and port."""

import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.conftest import Installation


@pytest.fixture(scope="session")
def service() -> Iterator[Installation]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="wallet-test-") as directory:
        installation = Installation(data_dir=Path(directory) / "data", port=port)
        try:
            installation.serve()
            yield installation
        finally:
            installation.clean_up()
