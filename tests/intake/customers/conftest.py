"""Real sources: a web server, and moto's S3 server."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from moto.server import ThreadedMotoServer
from pytest_django import Settings

BUCKET = "customers"


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    """A directory for the rejects of one test: ids of runs repeat from test to test."""
    settings.DATA_DIR = tmp_path / "data"
    return tmp_path / "data"


class WebSource:
    """A web server that answers every request with one file.

    It sends `etag` unless that is None, and `status`. An answer pauses after `pause_after` bytes
    until `resume` is set, and is cut off after `cut_off_after` bytes. From the second request on,
    `second_content` is the file. With `moved_to` each answer redirects there.
    """

    def __init__(self) -> None:
        self.content = b""
        self.second_content: bytes | None = None
        self.moved_to: str | None = None
        self.etag: str | None = '"first"'
        self.status = 200
        self.cut_off_after: int | None = None
        self.pause_after: int | None = None
        self.resume = threading.Event()
        self.answers = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/customers.jsonl"

    def close(self) -> None:
        self.resume.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.answers += 1
                if source.moved_to is not None:
                    self.send_response(302)
                    self.send_header("Location", source.moved_to)
                    self.end_headers()
                    return
                if source.second_content is not None and source.answers > 1:
                    source.content = source.second_content
                self.send_response(source.status)
                self.send_header("Content-Length", str(len(source.content)))
                if source.etag is not None:
                    self.send_header("ETag", source.etag)
                self.end_headers()
                if source.cut_off_after is not None:
                    self.wfile.write(source.content[: source.cut_off_after])
                    return
                if source.pause_after is not None:
                    self.wfile.write(source.content[: source.pause_after])
                    source.resume.wait()
                    self.wfile.write(source.content[source.pause_after :])
                    return
                self.wfile.write(source.content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (named by the base class)
                pass

        return Handler


@pytest.fixture
def web() -> Iterator[WebSource]:
    source = WebSource()
    yield source
    source.close()


@pytest.fixture
def other_web() -> Iterator[WebSource]:
    source = WebSource()
    yield source
    source.close()


class S3Source:
    """A bucket on moto's server."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def put(self, key: str, content: bytes) -> str:
        self._client.put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> S3Source:
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    client = boto3.Session().client("s3")
    client.create_bucket(Bucket=BUCKET)
    return S3Source(client)
