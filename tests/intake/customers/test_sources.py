"""Sources: files, web addresses, S3 objects, and the errors of reading them."""

import codecs
import gzip
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import smart_open
from django.core.management import CommandError

from accounts.models import Client
from intake.models import CustomerImport
from tests.intake.customers.conftest import S3Source, WebSource
from tests.intake.customers.customers import (
    counts,
    customer,
    customer_lines,
    json_lines,
    only_run,
    read_rejects,
    run_import,
)

pytestmark = pytest.mark.usefixtures("books")

LINES = 120


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_file(tmp_path: Path, encode: Callable[[bytes], bytes]) -> None:
    source = tmp_path / "customers"  # a gzip is detected by its content, not its name
    source.write_bytes(encode(customer_lines(LINES)))

    assert run_import(source) == f"Imported: {LINES} customers of {LINES} lines."

    assert Client.objects.count() == LINES
    assert only_run().source == str(source)


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("etag", ['"e1"', 'W/"e1"', '"' + "long" * 100 + '"', None])
def test_web(web: WebSource, etag: str | None, encode: Callable[[bytes], bytes]) -> None:
    web.etag = etag
    web.content = encode(customer_lines(LINES))

    run_import(web.url)
    assert "Nothing to do" in run_import(web.url)

    assert Client.objects.count() == LINES
    assert counts(only_run()) == (LINES, LINES, 0)


def test_the_name_of_a_web_source_has_no_secrets(web: WebSource) -> None:
    web.content = customer_lines(1)
    secret = web.url.replace("http://", "http://user:secret@") + "?X-Amz-Signature=secret"

    run_import(secret)

    assert only_run().source == web.url


@pytest.mark.parametrize("encode", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_s3(s3: S3Source, encode: Callable[[bytes], bytes]) -> None:
    source = s3.put("2026/customers.jsonl", encode(customer_lines(LINES)))

    run_import(source)
    assert "Nothing to do" in run_import(source)

    assert Client.objects.count() == LINES
    assert only_run().source == source


def test_a_changed_s3_object_is_another_version(s3: S3Source) -> None:
    run_import(s3.put("customers.jsonl", customer_lines(2)))

    run_import(s3.put("customers.jsonl", customer_lines(3)))

    assert Client.objects.count() == 3
    assert [counts(run) for run in CustomerImport.objects.order_by("pk")] == [(2, 2, 0), (3, 1, 2)]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere.jsonl", "does not exist"),
        ("/etc/passwd/x", "does not exist"),
        (".", "is not a file"),
        ("http://127.0.0.1:1/x", "Connection refused"),
        ("http://[", "neither a path nor an address"),
        ("ftp://example.com/x", "A source is"),
        ("s3://bucket", "s3://bucket/key"),
        ("s3://key:secret@bucket/key", "in the environment"),
        ("\0", "neither a path nor an address"),
        ("x" * 3_000, "at most 2000 characters"),
    ],
)
def test_a_location_without_a_source_is_refused_in_one_sentence(source: str, sentence: str) -> None:
    assert_refused(source, sentence)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(404, "does not exist"), (401, "credentials"), (403, "credentials"), (500, "answers 500")],
)
def test_an_error_status_is_refused_in_one_sentence(
    web: WebSource, status: int, sentence: str
) -> None:
    web.status = status
    assert_refused(web.url + "?token=secret", sentence)


def test_missing_s3_object_or_bucket_is_refused_in_one_sentence(s3: S3Source) -> None:
    s3.put("here", b"")
    assert_refused("s3://customers/nowhere", "does not exist")
    assert_refused("s3://nobodys-bucket/here", "does not exist")
    assert_refused("s3://NOT_A_BUCKET!/here", "cannot be read")


def test_s3_without_credentials_is_refused_in_one_sentence(
    s3: S3Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = s3.put("customers.jsonl", customer_lines(1))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert_refused(source, "needs credentials")


@pytest.mark.parametrize(
    "content",
    [
        b"email,first_name\nada@example.com,Ada\n",
        b"[\n 1,\n 2\n]\n",
        b"<html></html>",
        b"\n\n",
        bytes(range(256)) * 100,
        gzip.compress(b"text", mtime=0),
        "{}".encode("utf-16"),
    ],
)
def test_content_other_than_json_lines_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "source").write_bytes(content)
    assert_refused(str(tmp_path / "source"), "is not JSON lines")


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + customer_lines(3),
        customer_lines(3).replace(b"\n", b"\r\n"),
        customer_lines(3).removesuffix(b"\n"),
        gzip.compress(customer_lines(2), mtime=0)
        + gzip.compress(json_lines([customer(2)]), mtime=0),
        gzip.compress(codecs.BOM_UTF8 + customer_lines(3), mtime=0),
    ],
    ids=["byte order mark", "CRLF", "no last line end", "gzip of two parts", "both in a gzip"],
)
def test_variants_of_json_lines_are_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "source").write_bytes(content)

    run_import(tmp_path / "source")

    assert Client.objects.count() == 3


def test_a_source_without_etag_that_changes_while_read_is_refused(web: WebSource) -> None:
    web.etag = None
    web.content, web.second_content = customer_lines(3), customer_lines(4)

    assert_refused(web.url, "was changed while it was read")

    assert run_import(web.url) == "Imported: 4 customers of 4 lines."


def test_a_weak_etag_is_not_a_version(web: WebSource) -> None:
    web.etag = 'W/"same"'
    web.content = customer_lines(2)
    run_import(web.url)
    web.content = customer_lines(3)

    run_import(web.url)

    assert Client.objects.count() == 3


def test_redirect_is_followed(web: WebSource, other_web: WebSource) -> None:
    web.moved_to, other_web.content = other_web.url, customer_lines(2)

    run_import(web.url)

    assert Client.objects.count() == 2
    assert only_run().source == web.url


def test_redirect_out_of_https_is_refused(web: WebSource, monkeypatch: pytest.MonkeyPatch) -> None:
    web.content = customer_lines(2)

    def opened(location: str, *arguments: Any, **options: Any) -> Any:
        """Open the http address, as after a redirect from https."""
        return smart_open.open(web.url, *arguments, **options)

    monkeypatch.setattr("intake.customers.source.smart_open", SimpleNamespace(open=opened))

    assert_refused("https://example.com/customers.jsonl?token=secret", "without https")


def test_empty_source_has_no_customers(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert run_import(tmp_path / "empty") == "Imported: 0 customers of 0 lines."


def test_broken_gzip_is_refused_in_one_sentence(tmp_path: Path) -> None:
    encode = gzip.compress(customer_lines(LINES))
    (tmp_path / "source").write_bytes(encode[: len(encode) // 2])
    assert_refused(str(tmp_path / "source"), "incomplete gzip")


def test_an_import_whose_source_breaks_off_is_resumed(
    web: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.batches.BATCH_LINES", 500)
    lines = 5_000
    web.content = customer_lines(lines)
    web.cut_off_after = len(web.content) - 1_000
    with pytest.raises(CommandError, match="00 lines are done: run it again"):
        run_import(web.url)
    web.cut_off_after = None

    run_import(web.url)

    assert Client.objects.count() == lines
    assert counts(only_run()) == (lines, lines, 0)


def test_a_line_that_is_too_long_is_rejected_and_cut(tmp_path: Path) -> None:
    long = b'{"email": "' + b"x" * 3_000_000 + b'"}\n'
    (tmp_path / "source").write_bytes(
        customer_lines(1) + long + b"[" * 8_193 + b"\n" + customer_lines(2)
    )

    run_import(tmp_path / "source")

    run = only_run()
    assert counts(run) == (5, 2, 3)
    first, second, _ = read_rejects(run)
    assert (first["line"], second["line"]) == (2, 3)
    assert first["reason"] == second["reason"] == "The line is longer than 8192 bytes."
    assert len(first["text"]) < 10_000


def assert_refused(source: str, sentence: str) -> None:
    with pytest.raises(CommandError) as refusal:
        run_import(source)
    message = str(refusal.value)
    assert sentence in message
    assert "secret" not in message
    assert len(message.splitlines()) == 1
    assert not CustomerImport.objects.exists()
    assert not Client.objects.exists()
