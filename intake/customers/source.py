"""The source of an import: a file, a web address or an S3 object, gzipped or not.

It is read once, from start to end, in constant memory. Its version is the strong ETag that the
server sent with the bytes that are read. Without one it is the SHA-256 of the content, which takes
a pass of its own before the import and is compared again at the end.
"""

import codecs
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import boto3  # type: ignore[import-untyped]
import botocore.config  # type: ignore[import-untyped]
import botocore.exceptions  # type: ignore[import-untyped]
import requests
import smart_open
import urllib3

from intake.customers.rows import MAX_LINE_BYTES

NAME_CHARACTERS = 2_000
VERSION_CHARACTERS = 128
NETWORK_TIMEOUT_SECONDS = 60
_BUFFER_BYTES = 256 * 1024
_S3_CONFIG = botocore.config.Config(
    connect_timeout=10, read_timeout=NETWORK_TIMEOUT_SECONDS, retries={"total_max_attempts": 3}
)
_SHA256 = "sha256:"
_CHANGED = "was changed while it was read"
_GZIP_MAGIC = b"\x1f\x8b"


class SourceError(Exception):
    """The source cannot be read. Its text is one sentence for an operator, without secrets."""


@dataclass(frozen=True, slots=True)
class _OpenedStream:
    stream: IO[bytes]
    etag: str | None
    size: int | None


@dataclass(slots=True)
class Source:
    """An open source. `size` and `position` are bytes as stored: of a gzip, compressed bytes."""

    name: str
    version: str
    size: int | None
    _raw: "_HashingStream"
    _lines: IO[bytes] = field(init=False)

    def __post_init__(self) -> None:
        stored = io.BufferedReader(self._raw, _BUFFER_BYTES)
        is_gzip = stored.peek(len(_GZIP_MAGIC))[:2] == _GZIP_MAGIC
        self._lines = io.BufferedReader(gzip.GzipFile(fileobj=stored)) if is_gzip else stored

    @property
    def position(self) -> int:
        return self._raw.position

    def lines(self) -> Iterator[bytes]:
        """Yield each line with its line end. A line over `MAX_LINE_BYTES` is cut to one byte more.

        Raises `SourceError` when reading fails, or when the content has changed.
        """
        with _errors_translated(self.name):
            is_first = True
            while line := self._lines.readline(MAX_LINE_BYTES + 1):
                rest = line
                if is_first:
                    line = line.removeprefix(codecs.BOM_UTF8)
                    is_first = False
                while len(rest) > MAX_LINE_BYTES and not rest.endswith(b"\n"):
                    rest = self._lines.readline(MAX_LINE_BYTES + 1)
                yield line
        if not self._raw.matches(self.version):
            raise SourceError(f"{self.name} {_CHANGED}.")


@contextmanager
def open_source(location: str) -> Iterator[Source]:
    """Open a path, an `http(s)://` address or an `s3://bucket/key`.

    Raises `SourceError` when it does not exist or this process may not read it.
    """
    name, open_stream = _locate(location)
    with ExitStack() as stack:
        with _errors_translated(name):
            opened = stack.enter_context(_closing(open_stream()))
            version = _version(opened.etag)
            if not version:
                version = _content_hash(opened.stream)
                opened = stack.enter_context(_closing(open_stream()))
            source = Source(name, version, opened.size, _HashingStream(opened.stream))
        yield source


def source_name(location: str) -> str:
    """Return the name of the source: its location without credentials and signatures."""
    return _locate(location)[0]


def _locate(location: str) -> tuple[str, Callable[[], _OpenedStream]]:
    """Return the source's name and the function that opens it. Raises `SourceError`."""
    try:
        name, open_stream = _locate_by_scheme(location)
    except (ValueError, OSError, RuntimeError) as error:
        raise SourceError("That is neither a path nor an address.") from error
    if len(name) > NAME_CHARACTERS:
        raise SourceError(f"A source's name has at most {NAME_CHARACTERS} characters.")
    return name, open_stream


def _locate_by_scheme(location: str) -> tuple[str, Callable[[], _OpenedStream]]:
    scheme, separator, rest = location.partition("://")
    if not separator:
        path = Path(location).expanduser().resolve()
        return str(path), lambda: _open_file(path)
    if scheme == "s3":
        bucket, _, key = rest.partition("/")
        if not bucket or not key or "@" in bucket:
            raise SourceError(
                "An S3 source is s3://bucket/key, with its credentials in the environment."
            )
        return f"s3://{bucket}/{key}", lambda: _open_s3(bucket, key)
    if scheme in ("http", "https"):
        # The name leaves out user, password and query: they may hold secrets, and they change.
        parts = urlsplit(location)
        host = parts.netloc.rpartition("@")[2]
        return f"{scheme}://{host}{parts.path}", lambda: _open_http(location)
    raise SourceError("A source is a path, https://… or s3://bucket/key.")


def _open_file(path: Path) -> _OpenedStream:
    if path.exists() and not path.is_file():
        raise SourceError(f"{path} is not a file.")
    stream = smart_open.open(path, "rb", compression="disable")
    return _OpenedStream(stream, None, path.stat().st_size)


def _open_http(location: str) -> _OpenedStream:
    stream = smart_open.open(
        location, "rb", compression="disable", transport_params={"timeout": NETWORK_TIMEOUT_SECONDS}
    )
    response: requests.Response = stream.response  # type: ignore[attr-defined]  # smart_open's own
    headers = response.headers
    if location.startswith("https:") and not response.url.startswith("https:"):
        stream.close()
        raise SourceError(f"{source_name(location)} leads to an address without https.")
    length = headers.get("Content-Length", "")
    return _OpenedStream(stream, headers.get("ETag"), int(length) if length.isdecimal() else None)


def _open_s3(bucket: str, key: str) -> _OpenedStream:
    # A new session: the shared one keeps the credentials of its first use.
    client = boto3.Session().client("s3", config=_S3_CONFIG)
    head = client.head_object(Bucket=bucket, Key=key)
    stream = smart_open.open(
        f"s3://{bucket}/{key}",
        "rb",
        compression="disable",
        transport_params={
            "client": client,
            "client_kwargs": {"S3.Client.get_object": {"IfMatch": head["ETag"]}},
        },
    )
    return _OpenedStream(stream, head["ETag"], head["ContentLength"])


class _HashingStream(io.RawIOBase):
    """A stream that counts and hashes the bytes read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.position = 0

    def matches(self, version: str) -> bool:
        """Whether the bytes read are of this version. An ETag is taken on trust."""
        return not version.startswith(_SHA256) or version == _SHA256 + self._digest.hexdigest()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._digest.update(data)
        self.position += len(data)
        return len(data)


@contextmanager
def _closing(opened: _OpenedStream) -> Iterator[_OpenedStream]:
    try:
        yield opened
    finally:
        opened.stream.close()


def _content_hash(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := stream.read(_BUFFER_BYTES):
        digest.update(block)
    return _SHA256 + digest.hexdigest()


def _version(etag: str | None) -> str | None:
    """Return the version for an ETag; None for a weak one (W/…), which other bytes may share."""
    if not etag or etag.startswith("W/"):
        return None
    if len(etag) <= VERSION_CHARACTERS:
        return etag
    return f"etag:{hashlib.sha256(etag.encode()).hexdigest()}"


@contextmanager
def _errors_translated(name: str) -> Iterator[None]:
    """Turn errors of reading into a `SourceError`.

    The libraries' own messages are left out: some hold the whole address, with its signature.
    """
    try:
        yield
    except _READ_ERRORS as error:
        raise SourceError(f"{name} {_reason(error)}.") from error


_READ_ERRORS = (
    OSError,
    EOFError,
    zlib.error,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    botocore.exceptions.BotoCoreError,
    botocore.exceptions.ClientError,
)
_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((FileNotFoundError, NotADirectoryError), "does not exist"),
    ((PermissionError,), "may not be read by this user"),
    ((gzip.BadGzipFile, EOFError, zlib.error), "is a broken or incomplete gzip"),
    (
        (
            botocore.exceptions.NoCredentialsError,
            botocore.exceptions.PartialCredentialsError,
            botocore.exceptions.CredentialRetrievalError,
        ),
        "needs credentials, and the environment has none",
    ),
)


def _reason(error: BaseException) -> str:
    status = _status(error)
    if status is not None:
        return _status_reason(status)
    for kinds, reason in _REASONS:
        if isinstance(error, kinds):
            return reason
    return f"cannot be read to its end{_system_reason(error)}"


def _status_reason(status: int) -> str:
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return "does not exist"
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"needs credentials that may read it ({status})"
    if status == HTTPStatus.PRECONDITION_FAILED:
        return _CHANGED
    return f"cannot be read: its server answers {status}"


def _status(error: BaseException) -> int | None:
    """Return the HTTP status of a server's error answer, or None for any other error."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return error.response.status_code
    # smart_open wraps S3's errors.
    for each in (error, error.__cause__):
        if isinstance(each, botocore.exceptions.ClientError):
            return int(each.response["ResponseMetadata"]["HTTPStatusCode"])
    return None


def _system_reason(error: BaseException | None) -> str:
    """Return the operating system's reason, as in `: Connection refused`, or an empty text."""
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            return f": {error.strerror}"
        error = error.__cause__ or error.__context__
    return ""
