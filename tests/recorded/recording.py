"""What the API answers, written down so that a person can read it and a test compare it.

A `Tape` keeps each call of a scenario and its answer. What differs from run to run is replaced in
the text: ids, tokens, QR codes, times and seconds. The same id is the same word throughout a
scenario, so that it stays visible what is the same as what. All else stays as it was sent: the
order of fields, how an amount is spelled, each header.
"""

import difflib
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_django import Settings

from tests.clock import Clock
from tests.factories import Holder
from tests.http_client import Api, Reply
from tests.recorded.writing import compact, read, written

ANSWERS = Path(__file__).parent / "answers"
#: Nothing has this id.
NOBODY = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"

_CHANGING = re.compile(
    r"(?P<paytoken>\bpt_[0-9A-Za-z_-]{43})"
    # Drawn of a text that changes; `tests/api` reads some.
    r'|(?P<qr>data:image/svg\+xml[^"]*)'
    r"|(?P<token>\b[0-9a-f]{64}\b)"
    r"|(?P<code>\b[0-9a-z]{6}-[0-9a-f]{32}\b)"
    r"|(?P<uuid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"|(?P<hex>\b[0-9a-f]{32}\b)"
    # The factories count the accounts of the whole run.
    r"|(?P<email>\buser\d+@example\.com\b)"
    r"|(?P<time>\b20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"
)
_SECONDS = re.compile(r'"(retryAfterSeconds|oldestQueuedSeconds|seconds)":\d+(?:\.\d+)?(?=[,}])')
_SECONDS_LEFT = re.compile(r"(?<=;t=)\d+$")
#: Of a longer body only its length is written down.
_SHOWN_BYTES = 3_000
#: When a series began is told only once there is one.
_METRIC = re.compile(r"# (?:HELP|TYPE) (?!\w+_created )")


class Tape:
    """The calls of one scenario, in order."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self._clock = clock
        self._default_rates = settings.RATE_LIMITS
        self.calls: list[dict[str, Any]] = []
        self._words: dict[str, str] = {NOBODY: "<no such id>"}
        self._counts: Counter[str] = Counter()

    def limit(self, **counts: int) -> None:
        """Allow so many calls of each group in a day, which no scenario sees the end of."""
        rates = {group: f"{count}/d" for group, count in counts.items()}
        self.settings.RATE_LIMITS = {**self.settings.RATE_LIMITS, **rates}

    def default_limits(self) -> None:
        """Allow as many calls as the service does by itself."""
        self.settings.RATE_LIMITS = self._default_rates

    def move_time(self, seconds: int) -> None:
        """Let what expires do so: the database's clock is so many seconds ahead from now on."""
        if self._clock is None:
            raise RuntimeError("This tape has no clock.")
        self._clock.move(seconds)

    def nobody(self) -> "Caller":
        """Return a caller without a token."""
        return Caller(self, "nobody", Api())

    def caller(self, name: str, api: Api) -> "Caller":
        """Return a caller by this name."""
        return Caller(self, name, api)

    def holder(self, name: str, holder: Holder) -> "Caller":
        """Return the holder as a caller; its id and its wallet's are called after it."""
        self.name(name, holder.user.pk)
        self.name_wallet(f"{name}'s", holder)
        return Caller(self, name, holder.api)

    def name(self, word: str, value: object) -> None:
        """Write `<word>` wherever this id is seen."""
        self._words[str(value)] = f"<{word}>"

    def name_wallet(self, whose: str, holder: Holder) -> None:
        """Write `<whose wallet>` and `<whose address>` for both names of the holder's wallet."""
        self.name(f"{whose} wallet", holder.wallet_id)
        self.name(f"{whose} address", holder.wallet.address)

    def keep(self, call: dict[str, Any], raw: bytes, reply: Reply) -> None:
        """Write a call and its answer down. `call`: how it began, without what was sent."""
        kept = {name: self._steady_all(part) for name, part in call.items() if part}
        if raw and raw != b"{}":
            kept["sends"] = self._sent(raw)
        kept["status"] = reply.status
        # Told apart from all other ids: each answer has one of its own.
        request_id = reply.headers["X-Request-ID"]
        self._words[request_id] = "<this request>"
        kept["answer headers"] = {
            name: self._steady_header(name, value, reply)
            for name, value in sorted(reply.headers.items())
        }
        kept.update(self._answered(reply))
        del self._words[request_id]
        self.calls.append(kept)

    def _sent(self, raw: bytes) -> Any:
        if len(raw) > _SHOWN_BYTES:
            return f"<{len(raw)} bytes>"
        text = self._steady(raw.decode(errors="backslashreplace"))
        try:
            parsed = read(text)
        except ValueError:
            return {"<bytes>": text}
        plain = json.dumps(json.loads(text)) == text
        return parsed if plain and isinstance(parsed, dict | list) else {"<bytes>": text}

    def _answered(self, reply: Reply) -> dict[str, Any]:
        kind = reply.headers.get("Content-Type", "")
        if not reply.raw:
            return {}
        if kind.startswith("text/html"):
            return {"text": ["<a page>"]}
        text = self._steady(reply.raw.decode())
        if kind.startswith("text/plain"):
            # Which metrics there are, not what they say.
            lines = text.splitlines(keepends=True)
            return {"text": sorted(line for line in lines if _METRIC.match(line))}
        text = _SECONDS.sub(r'"\1":"<seconds>"', text)
        try:
            parsed = read(text)
        except ValueError:
            return {"text": text.splitlines(keepends=True)}
        if compact(parsed) != text:
            return {"text": [text]}
        return {"json": _of_a_new_installation(parsed)}

    def _steady_header(self, name: str, value: str, reply: Reply) -> str:
        # It differs with the digits of what is replaced. HEAD tells the length of what GET gets.
        if name == "Content-Length" and value != "0":
            is_right = int(value) == len(reply.raw)
            return "<length>" if is_right else "<length of another body>"
        if name == "Retry-After" and value.isdecimal():
            return "<seconds>"
        if name == "Content-Security-Policy":
            # The order of the directives, and of what one allows, means nothing, and changes.
            return "; ".join(sorted(_sorted_words(part) for part in value.split(";")))
        if name == "RateLimit":
            return _SECONDS_LEFT.sub("<seconds>", value)
        return self._steady(value)

    def _steady_all(self, part: str | dict[str, str]) -> str | dict[str, str]:
        if isinstance(part, str):
            return self._steady(part)
        return {name: self._steady(value) for name, value in part.items()}

    def _steady(self, text: str) -> str:
        return _CHANGING.sub(self._word, text)

    def _word(self, match: re.Match[str]) -> str:
        kind, value = str(match.lastgroup), match[0]
        if kind == "time":
            return "<time>"
        if value not in self._words:
            self._counts[kind] += 1
            self._words[value] = f"<{kind}-{self._counts[kind]}>"
        return self._words[value]


def _of_a_new_installation(answer: Any) -> Any:
    """Return a list of assets without those that other tests made: assets are never deleted."""
    if not isinstance(answer, list):
        return answer
    return [
        row
        for row in answer
        if not (isinstance(row, dict) and "cash" in row and row["symbol"] not in ("EUR", "USD"))
    ]


class Caller:
    """Who calls: as `tests.http_client.Api`, and each call is written down."""

    def __init__(self, tape: Tape, name: str, api: Api) -> None:
        self.api = api
        self.name = name
        self._tape = tape

    def get(self, path: str, **headers: str) -> Reply:
        """Send a GET."""
        return self.call("GET", path, b"", **headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Reply:
        """Send a POST. `key` is the Idempotency-Key; bytes go as they are."""
        if key is not None:
            headers["Idempotency-Key"] = key
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        return self.call("POST", path, raw, **headers)

    def patch(self, path: str, body: Any) -> Reply:
        """Send a PATCH."""
        return self.call("PATCH", path, json.dumps(body).encode())

    def delete(self, path: str) -> Reply:
        """Send a DELETE."""
        return self.call("DELETE", path)

    def call(self, method: str, path: str, raw: bytes = b"", **headers: str) -> Reply:
        """Send anything, and write down what came of it."""
        sent = dict(headers)
        reply = self.api.call(method, path, raw, **headers)
        call = {"call": f"{method} {path}", "as": self.name, "headers": sent}
        self._tape.keep(call, raw, reply)
        return reply


def record(name: str, calls: list[dict[str, Any]]) -> None:
    """Write the calls of a scenario into its file, in the place of those that are there."""
    path_of(name).write_text(_document(calls, _most_usual(calls)), "utf-8")


def difference(name: str, calls: list[dict[str, Any]]) -> str:
    """Return how the calls differ from those on record, line by line; nothing if they do not."""
    if not path_of(name).exists():
        return "Nothing is on record."
    usual = read(path_of(name).read_text("utf-8"))["usual headers"]
    return difference_of_text(name, _document(calls, usual))


def difference_of_text(name: str, text: str) -> str:
    """Return how a text differs from the file on record, line by line; nothing if it does not."""
    recorded = path_of(name).read_text("utf-8")
    if text == recorded:
        return ""
    # By "\n" alone: other ends of a line may stand in an answer.
    lines = recorded.split("\n"), text.split("\n")
    return "\n".join(difflib.unified_diff(*lines, "on record", "answered now", lineterm="", n=12))


def recorded_calls() -> Iterator[dict[str, Any]]:
    """Yield the calls of all scenarios on record."""
    for path in sorted(ANSWERS.glob("*.json")):
        yield from json.loads(path.read_text("utf-8")).get("calls", ())


def path_of(name: str) -> Path:
    """Return the file of a scenario."""
    return ANSWERS / f"{name}.json"


def _sorted_words(directive: str) -> str:
    name, *allowed = directive.split()
    return " ".join((name, *sorted(allowed)))


def _most_usual(calls: list[dict[str, Any]]) -> dict[str, str]:
    """Return the headers that more than half of the answers have, with this value."""
    seen = Counter(header for call in calls for header in call["answer headers"].items())
    return dict(sorted(header for header, count in seen.items() if 2 * count > len(calls)))


def _document(calls: list[dict[str, Any]], usual: dict[str, str]) -> str:
    """Return the calls as text. Of the headers each has those that are not the usual ones."""
    shown = [{**call, "answer headers": _unusual(call["answer headers"], usual)} for call in calls]
    slim = [{name: part for name, part in call.items() if part != {}} for call in shown]
    return written({"usual headers": usual, "calls": slim})


def _unusual(headers: dict[str, str], usual: dict[str, str]) -> dict[str, str | None]:
    lacking = dict.fromkeys(name for name in usual if name not in headers)
    other = {name: value for name, value in headers.items() if usual.get(name) != value}
    return {**other, **lacking}
