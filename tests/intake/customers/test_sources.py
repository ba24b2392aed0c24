"""Where customers come from, and what is said when they do not."""

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
    customers,
    json_lines,
    only_run,
    rejects_of,
    seeded,
)

pytestmark = pytest.mark.usefixtures("books")

LINES = 120


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_file(tmp_path: Path, packed: Callable[[bytes], bytes]) -> None:
    source = tmp_path / "customers"  # a gzip is known by its content, whatever its name
    source.write_bytes(packed(customers(LINES)))

    assert seeded(source) == f"Seeded: {LINES} customers of {LINES} lines."

    assert Client.objects.count() == LINES
    assert only_run().source == str(source)


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("etag", ['"e1"', 'W/"e1"', '"' + "long" * 100 + '"', None])
def test_web(web: WebSource, etag: str | None, packed: Callable[[bytes], bytes]) -> None:
    web.etag = etag
    web.content = packed(customers(LINES))

    seeded(web.url)
    assert "Nothing to do" in seeded(web.url)

    assert Client.objects.count() == LINES
    assert counts(only_run()) == (LINES, LINES, 0)


def test_web_address_without_its_secrets(web: WebSource) -> None:
    web.content = customers(1)
    secret = web.url.replace("http://", "http://user:secret@") + "?X-Amz-Signature=secret"

    seeded(secret)

    assert only_run().source == web.url


@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_s3(s3: S3Source, packed: Callable[[bytes], bytes]) -> None:
    source = s3.put("2026/customers.jsonl", packed(customers(LINES)))

    seeded(source)
    assert "Nothing to do" in seeded(source)

    assert Client.objects.count() == LINES
    assert only_run().source == source


def test_s3_object_that_changed_is_another_version(s3: S3Source) -> None:
    seeded(s3.put("customers.jsonl", customers(2)))

    seeded(s3.put("customers.jsonl", customers(3)))

    assert Client.objects.count() == 3
    assert [counts(run) for run in CustomerImport.objects.order_by("pk")] == [(2, 2, 0), (3, 1, 2)]


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("nowhere.jsonl", "does not exist"),
        ("/etc/passwd/x", "does not exist"),
        (".", "is not a file"),
        ("http://127.0.0.1:1/x", "Connection refused"),
        ("http://[", "no address"),
        ("ftp://example.com/x", "A source is"),
        ("s3://bucket", "s3://bucket/key"),
        ("s3://key:secret@bucket/key", "in the environment"),
        ("\0", "no path"),
        ("x" * 3_000, "at most 2000 characters"),
    ],
)
def test_no_source_is_one_sentence(source: str, sentence: str) -> None:
    assert_refused(source, sentence)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(404, "does not exist"), (401, "credentials"), (403, "credentials"), (500, "answers 500")],
)
def test_web_refusal_is_one_sentence(web: WebSource, status: int, sentence: str) -> None:
    web.status = status
    assert_refused(web.url + "?token=secret", sentence)


def test_missing_s3_object_or_bucket_is_one_sentence(s3: S3Source) -> None:
    s3.put("here", b"")
    assert_refused("s3://customers/nowhere", "does not exist")
    assert_refused("s3://nobodys-bucket/here", "does not exist")
    assert_refused("s3://NOT_A_BUCKET!/here", "cannot be read")


def test_s3_without_credentials_is_one_sentence(
    s3: S3Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = s3.put("customers.jsonl", customers(1))
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
def test_what_is_no_json_lines_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "source").write_bytes(content)
    assert_refused(str(tmp_path / "source"), "is not JSON lines")


@pytest.mark.parametrize(
    "content",
    [
        codecs.BOM_UTF8 + customers(3),
        customers(3).replace(b"\n", b"\r\n"),
        customers(3).removesuffix(b"\n"),
        gzip.compress(customers(2), mtime=0) + gzip.compress(json_lines([customer(2)]), mtime=0),
        gzip.compress(codecs.BOM_UTF8 + customers(3), mtime=0),
    ],
    ids=["byte order mark", "CRLF", "no last line end", "gzip of two parts", "both in a gzip"],
)
def test_what_other_systems_write_is_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "source").write_bytes(content)

    seeded(tmp_path / "source")

    assert Client.objects.count() == 3


def test_source_without_etag_that_changes_meanwhile_is_not_taken(web: WebSource) -> None:
    web.etag = None
    web.content, web.second_content = customers(3), customers(4)

    assert_refused(web.url, "was changed while it was read")

    assert seeded(web.url) == "Seeded: 4 customers of 4 lines."


def test_weak_etag_says_nothing_of_the_bytes(web: WebSource) -> None:
    web.etag = 'W/"same"'
    web.content = customers(2)
    seeded(web.url)
    web.content = customers(3)

    seeded(web.url)

    assert Client.objects.count() == 3


def test_redirect_is_followed(web: WebSource, other_web: WebSource) -> None:
    web.moved_to, other_web.content = other_web.url, customers(2)

    seeded(web.url)

    assert Client.objects.count() == 2
    assert only_run().source == web.url


def test_redirect_out_of_https_is_not(web: WebSource, monkeypatch: pytest.MonkeyPatch) -> None:
    web.content = customers(2)

    def opened(location: str, *arguments: Any, **options: Any) -> Any:
        """Do as if the redirect had happened: there is no https here."""
        return smart_open.open(web.url, *arguments, **options)

    monkeypatch.setattr("intake.customers.source.smart_open", SimpleNamespace(open=opened))

    assert_refused("https://example.com/customers.jsonl?token=secret", "without https")


def test_empty_source_has_no_customers(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert seeded(tmp_path / "empty") == "Seeded: 0 customers of 0 lines."


def test_broken_gzip_is_one_sentence(tmp_path: Path) -> None:
    packed = gzip.compress(customers(LINES))
    (tmp_path / "source").write_bytes(packed[: len(packed) // 2])
    assert_refused(str(tmp_path / "source"), "incomplete gzip")


def test_answer_that_breaks_off_is_read_again(
    web: WebSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intake.customers.batches.BATCH_LINES", 500)
    lines = 5_000
    web.content = customers(lines)
    web.cut_off_after = len(web.content) - 1_000
    with pytest.raises(CommandError, match="00 lines are done: run it again"):
        seeded(web.url)
    web.cut_off_after = None

    seeded(web.url)

    assert Client.objects.count() == lines
    assert counts(only_run()) == (lines, lines, 0)


def test_line_that_is_too_long_is_no_burden(tmp_path: Path) -> None:
    long = b'{"email": "' + b"x" * 3_000_000 + b'"}\n'
    (tmp_path / "source").write_bytes(customers(1) + long + b"[" * 8_193 + b"\n" + customers(2))

    seeded(tmp_path / "source")

    run = only_run()
    assert counts(run) == (5, 2, 3)
    first, second, _ = rejects_of(run)
    assert (first["line"], second["line"]) == (2, 3)
    assert first["reason"] == second["reason"] == "The line is longer than 8192 bytes."
    assert len(first["text"]) < 10_000


def assert_refused(source: str, sentence: str) -> None:
    with pytest.raises(CommandError) as refusal:
        seeded(source)
    told = str(refusal.value)
    assert sentence in told
    assert "secret" not in told
    assert len(told.splitlines()) == 1
    assert not CustomerImport.objects.exists()
    assert not Client.objects.exists()
