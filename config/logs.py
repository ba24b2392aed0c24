"""The format of the log: a line for each event, with the request id and without secrets.

There are two formats: `json`, an object per line, and `plain`, for people.

The log contains only messages of the service's own code. It omits the texts of exceptions, in which
libraries quote their input: emails, names, amounts. It contains their types and tracebacks instead.
It also omits the paths of URLs, which contain tokens of wallets.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import orjson
import psycopg

from core import context

#: The fields of `extra` that are logged; all others are omitted.
_EXTRA_FIELDS = ("method", "route", "status", "duration_ms", "user_id")
#: Line breaks and other control characters, with which a text could forge a line of the log.
_ESCAPES = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
}
#: JSON leaves these unescaped, and some readers treat them as line breaks.
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
_HIDDEN_PATH = "(path)"


class PlainFormatter(logging.Formatter):
    """Formats a record as plain text, without texts of exceptions and paths of URLs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line, followed by a line for each step of the traceback."""
        request_id = request_id_of(record)
        line = (
            f"{_time(record)} {record.levelname:<8} {record.name}: {_message(record)}"
            f"{f' [{request_id}]' if request_id else ''}"
        ).translate(_ESCAPES)
        steps = (f"    {step}".translate(_ESCAPES) for step in _traceback_lines(record))
        return "\n".join((line, *steps))


class JSONFormatter(PlainFormatter):
    """Formats a record as one JSON object in one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "request_id": request_id_of(record) or None,
            "process": record.process,
            **{name: getattr(record, name) for name in _EXTRA_FIELDS if hasattr(record, name)},
            "exception": list(_traceback_lines(record)) or None,
        }
        fields = {name: value for name, value in line.items() if value is not None}
        return orjson.dumps(fields, default=str).decode().translate(_JSON_ESCAPES)


def logging_config(*, level: str, form: str) -> dict[str, Any]:
    """Return the configuration of Python's `logging`; `form` is plain or json."""
    formatter = JSONFormatter if form == "json" else PlainFormatter
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": formatter}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "lines"},
            # Without any handler, Python would print the text to stderr.
            "null": {"class": "logging.NullHandler"},
        },
        "root": {"handlers": ["console"], "level": level.upper()},
        "loggers": {
            # Django's and gunicorn's own handlers would print each line again in another format.
            "django": {"handlers": [], "propagate": True},
            "gunicorn.error": {"handlers": [], "propagate": True},
            # Log server errors, not refused requests.
            "django.request": {"level": "ERROR"},
            # Requests with a foreign Host are refused; a traceback of each would only fill the log.
            "django.security.DisallowedHost": {"handlers": ["null"], "propagate": False},
            # At debug level these log statements with their values and URLs with signatures: names,
            # emails, amounts, secrets.
            **{
                name: {"level": "INFO"}
                for name in (
                    "django.db.backends",
                    "urllib3",
                    "botocore",
                    "s3transfer",
                    "smart_open",
                )
            },
            # It logs every job that it defers and runs; the jobs log their own results.
            "procrastinate": {"level": "WARNING"},
            # Its pool logs every connection that it hands out.
            "psycopg": {"level": "WARNING"},
        },
    }


def request_id_of(record: logging.LogRecord) -> str:
    """Return the X-Request-ID from the record's `extra`, else that of the current request."""
    return str(getattr(record, "request_id", "") or context.request_id.get())


def log_crashes() -> None:
    """Log the exceptions that end this process or one of its threads."""
    logger = logging.getLogger("crash")

    def log_process_crash(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            logger.critical("The process ends.", exc_info=(kind, error, trace))

    def log_thread_crash(crash: threading.ExceptHookArgs) -> None:
        if crash.exc_value is not None:
            logger.critical(
                "The thread %s ends.",
                crash.thread.name if crash.thread else "?",
                exc_info=(crash.exc_type, crash.exc_value, crash.exc_traceback),
            )

    sys.excepthook = log_process_crash
    threading.excepthook = log_thread_crash


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _message(record: logging.LogRecord) -> str:
    """Return the message, with exceptions replaced by `describe` and without the request's path."""
    if not isinstance(record.args, tuple):
        return record.getMessage()
    # Django's loggers attach the request to the record and put its path into the message.
    path = getattr(getattr(record, "request", None), "path", None)
    arguments = tuple(
        _HIDDEN_PATH
        if path is not None and argument == path
        else describe(argument)
        if isinstance(argument, BaseException)
        else argument
        for argument in record.args
    )
    return str(record.msg) % arguments if arguments else str(record.msg)


def describe(error: BaseException) -> str:
    """Return an exception's type, and PostgreSQL's error, its constraint or SQLSTATE.

    For a failed connection, also its address and the system's message.
    """
    name = type(error).__name__
    for each in (error, error.__cause__):
        if not isinstance(each, psycopg.Error):
            continue
        if each.sqlstate:
            return f"{name} ({type(each).__name__}, {each.diag.constraint_name or each.sqlstate})"
        if isinstance(each, psycopg.OperationalError):
            return f"{name} ({str(each).partition(chr(10))[0]})"
    return name


def _traceback_lines(record: logging.LogRecord) -> Iterator[str]:
    error = record.exc_info[1] if record.exc_info else None
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield describe(error)
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            yield f"at {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        error = error.__cause__ or error.__context__
