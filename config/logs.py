"""How the log speaks: one line for each event, with the request it belongs to and nothing secret.

Two forms. `json` is an object per line, for machines; `plain` is for whoever started the demo.

What goes into a line is what our own code says of itself. Texts of exceptions stay out, since
libraries quote in them what they were given: emails, names, amounts. Their types, and the lines
of code they came through, tell where to look. Paths of URLs stay out too: wallets' tokens are in
them.
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

#: What a call of a logger may add to its line; anything else of `extra` stays out.
_FIELDS = ("method", "route", "status", "duration_ms", "user_id")
#: Line breaks and other control characters, which would let a text pretend to be another line.
_ESCAPES = {
    code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004
    for code in (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)
}
#: Of these JSON keeps some as they are, and some readers begin a line there.
_JSON_ESCAPES = {code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029)}
_HIDDEN_PATH = "(path)"


class Lines(logging.Formatter):
    """Turns a record into lines that hold no text of an exception and no path of a URL."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record in plain form: a line, and one more for each step of a traceback."""
        request_id = request_id_of(record)
        line = (
            f"{_time(record)} {record.levelname:<8} {record.name}: {_message(record)}"
            f"{f' [{request_id}]' if request_id else ''}"
        ).translate(_ESCAPES)
        steps = (f"    {step}".translate(_ESCAPES) for step in _steps(record))
        return "\n".join((line, *steps))


class JSONLines(Lines):
    """The same as one JSON object, in one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
            "request_id": request_id_of(record) or None,
            "process": record.process,
            **{name: getattr(record, name) for name in _FIELDS if hasattr(record, name)},
            "exception": list(_steps(record)) or None,
        }
        told = {name: value for name, value in line.items() if value is not None}
        return orjson.dumps(told, default=str).decode().translate(_JSON_ESCAPES)


def logging_config(*, level: str, form: str) -> dict[str, Any]:
    """Return the configuration of Python's `logging`; `form` is plain or json."""
    formatter = JSONLines if form == "json" else Lines
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": formatter}},
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "lines"},
            # Where there is no handler at all, Python prints the text itself.
            "nowhere": {"class": "logging.NullHandler"},
        },
        "root": {"handlers": ["console"], "level": level.upper()},
        "loggers": {
            # Django's and gunicorn's own handlers would print each line twice, and in other forms.
            "django": {"handlers": [], "propagate": True},
            "gunicorn.error": {"handlers": [], "propagate": True},
            # A refusal is an answer, not an event: what went wrong on our side is worth a line.
            "django.request": {"level": "ERROR"},
            # Strangers who guess at names are refused; a traceback of each tells nothing.
            "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
            # At debug level these would print every statement with its values, every URL with its
            # signature: names, emails, money, secrets.
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
            # It tells of every job that it knows, puts off and runs; the jobs say what they did.
            "procrastinate": {"level": "WARNING"},
            # Its pool tells of every connection that it lends.
            "psycopg": {"level": "WARNING"},
        },
    }


def request_id_of(record: logging.LogRecord) -> str:
    """Return the X-Request-ID of the work in hand, or the one that the call names itself."""
    return str(getattr(record, "request_id", "") or context.request_id.get())


def log_crashes() -> None:
    """Let what ends this process, or a thread of it, be a line of the log like all others."""
    logger = logging.getLogger("crash")

    def crashed(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            logger.critical("The process ends.", exc_info=(kind, error, trace))

    def thread_crashed(crash: threading.ExceptHookArgs) -> None:
        if crash.exc_value is not None:
            logger.critical(
                "The thread %s ends.",
                crash.thread.name if crash.thread else "?",
                exc_info=(crash.exc_type, crash.exc_value, crash.exc_traceback),
            )

    sys.excepthook = crashed
    threading.excepthook = thread_crashed


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _message(record: logging.LogRecord) -> str:
    """Return the message with exceptions as their first line, and without the request's path."""
    if not isinstance(record.args, tuple):
        return record.getMessage()
    # Django's own loggers put the request on the record, and its path into the message.
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
    """Return what can be told of an exception: its type, and what PostgreSQL calls it.

    Of a connection that failed, also why: where it went, and what the system said.
    """
    told = type(error).__name__
    for each in (error, error.__cause__):
        if not isinstance(each, psycopg.Error):
            continue
        if each.sqlstate:
            return f"{told} ({type(each).__name__}, {each.diag.constraint_name or each.sqlstate})"
        if isinstance(each, psycopg.OperationalError):
            return f"{told} ({str(each).partition(chr(10))[0]})"
    return told


def _steps(record: logging.LogRecord) -> Iterator[str]:
    error = record.exc_info[1] if record.exc_info else None
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield describe(error)
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            yield f"at {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        error = error.__cause__ or error.__context__
