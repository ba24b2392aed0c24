"""What a client has sent: where the request ends in it, without reading from a socket."""

import re
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

from gunicorn.http.errors import LimitRequestHeaders, ParseException
from gunicorn.http.unreader import Unreader

#: A head without an end is refused at this size.
HEAD_BYTES: Final = 64 * 1024
#: A size of a chunk, or trailers, without an end are left to gunicorn at this size, which refuses
#: them.
_LINE_BYTES: Final = 16 * 1024
#: A length of more digits is left to gunicorn, too. (Python refuses to parse one of thousands.)
_LENGTH_DIGITS: Final = 18
#: A body in more chunks is left to gunicorn, which finds it broken: they would cost more time than
#: the bytes in them.
_MOST_CHUNKS: Final = 10_000
_PART_BYTES: Final = 8 * 1024
#: gunicorn reads a body ahead by up to this much.
_READ_AHEAD: Final = 1024

_END_OF_HEAD: Final = b"\r\n\r\n"
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_FRAMING = re.compile(
    rb"\r\n(content-length|transfer-encoding|expect)[ \t]*:[ \t]*([^\r\n]*)", re.IGNORECASE
)


class IncompleteRequest(ParseException):
    """The client stopped sending before the end of its request."""

    def __str__(self) -> str:
        return "The request broke off"


class _NotYet(Exception):
    """The rest of a chunked body has not come."""


class _NotWhole(Exception):
    """A chunked body is broken or too large: its end is not looked for."""


class ReceivedBytes(Unreader):
    """The source of gunicorn's parser: what was received. It raises at the end of that."""

    def __init__(self, data: bytes, at_end: Exception) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._source = BytesIO(data)
        self._at_end = at_end

    def chunk(self, size_hint: int | None = None) -> bytes:
        # A part: what gunicorn has not parsed of it, it copies for each chunk of a body.
        part = self._source.read(max(size_hint or 0, _PART_BYTES))
        if not part:
            raise self._at_end
        return part

    def finish(self, body: Any) -> bool:
        """Forget the bytes, which nobody reads any more; return whether they were one request."""
        try:
            while body.read(_READ_AHEAD):
                pass
            is_whole = not self.buf.getvalue() and not self._source.read(1)
        except Exception:  # gunicorn has several classes for a broken body
            is_whole = False
        self.buf, self._source = BytesIO(), BytesIO()
        return is_whole


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """The bytes of a request."""

    data: bytes
    #: Whether its body is among them. Otherwise that is too large, and is not read.
    is_whole: bool
    #: Whether it is refused with `at_end`, which the parser raises when it reads past the data.
    is_refused: bool = False
    at_end: Exception = field(default_factory=IncompleteRequest)

    def refused(self, reason: Exception) -> "ReceivedRequest":
        """Return what is left of it, its head, to be refused."""
        head = self.data[:HEAD_BYTES]
        return ReceivedRequest(head, is_whole=False, is_refused=True, at_end=reason)


class Incoming:
    """Collects the bytes of a connection until they are a request.

    A body over `body_limit` bytes is not collected: nobody will read it.
    """

    def __init__(self, body_limit: int) -> None:
        self.data = bytearray()
        self._body_limit = body_limit
        self._begin()

    @property
    def has_head(self) -> bool:
        """Whether the head of the next request is complete."""
        return self._head_end > 0

    @property
    def wants_continue(self) -> bool:
        """Whether the client waits for "100 Continue" before it sends the body."""
        return self._expects and len(self.data) <= self._head_end

    def take(self) -> ReceivedRequest | None:
        """Remove and return the first request, or what is certain to be refused; else None."""
        if not self._head_end:
            self._find_head()
        if not self._head_end:
            if len(self.data) > HEAD_BYTES:
                return self._take_all(LimitRequestHeaders("the head"))  # type: ignore[no-untyped-call]
            if self._has_bare_line_feed:
                # gunicorn refuses bare line feeds. The end of such a head would never come.
                return self._take_all(IncompleteRequest())
            return None
        if self._chunks_end:
            self._skip_chunks()
        if len(self.data) >= self._end:
            return self._take(self._end, is_whole=not self._is_cut)
        return None

    def take_incomplete(self, reason: Exception) -> ReceivedRequest:
        """Remove and return all bytes; the parser raises `reason` when it wants more."""
        return self._take_all(reason)

    def _begin(self) -> None:
        self._searched = 0
        self._has_bare_line_feed = False
        self._head_end = 0
        #: Where the request ends as far as known, and whether that is before its real end.
        self._end = 0
        self._is_cut = False
        self._expects = False
        #: Where the next chunk of a chunked body begins, and how much of the body came before it.
        self._chunks_end = 0
        self._chunked_bytes = 0
        self._chunks = 0

    def _take(self, end: int, *, is_whole: bool) -> ReceivedRequest:
        data = bytes(self.data[:end])
        del self.data[:end]
        self._begin()
        return ReceivedRequest(data, is_whole)

    def _take_all(self, reason: Exception) -> ReceivedRequest:
        # Its head is enough to be refused.
        data = bytes(self.data[:HEAD_BYTES])
        self.data.clear()
        self._begin()
        return ReceivedRequest(data, is_whole=False, is_refused=True, at_end=reason)

    def _find_head(self) -> None:
        found = self.data.find(_END_OF_HEAD, self._searched)
        if found < 0:
            self._has_bare_line_feed = bool(_BARE_LINE_FEED.search(self.data, self._searched))
            self._searched = max(0, len(self.data) - len(_END_OF_HEAD) + 1)
            return
        self._head_end = self._end = found + len(_END_OF_HEAD)
        lengths, codings, expectations = [], [], []
        for name, value in _FRAMING.findall(self.data, 0, self._head_end):
            match name.lower():
                case b"content-length":
                    lengths.append(value.strip())
                case b"transfer-encoding":
                    codings.append(value.strip().lower())
                case _:
                    expectations.append(value.strip().lower())
        # gunicorn refuses all else by the head alone.
        if expectations not in ([], [b"100-continue"]):
            self._is_cut = True
        elif codings == [b"chunked"] and not lengths:
            self._chunks_end = self._head_end
        elif len(lengths) == 1 and not codings and lengths[0].isdigit():
            length = int(lengths[0]) if len(lengths[0]) <= _LENGTH_DIGITS else None
            self._is_cut = length is None or length > self._body_limit
            self._end += 0 if self._is_cut else length or 0
        request_line = self.data[: self.data.find(b"\r\n")]
        self._expects = (
            bool(expectations) and not self._is_cut and request_line.endswith(b"HTTP/1.1")
        )

    def _skip_chunks(self) -> None:
        """Set `_end` to the end of the chunked body, or past all data when that has not come."""
        received = len(self.data)
        try:
            while self._chunks_end <= received:
                line_end = self._find(b"\r\n", self._chunks_end)
                line = _CHUNK_SIZE.fullmatch(self.data, self._chunks_end, line_end)
                if line is None or self._chunks == _MOST_CHUNKS:
                    raise _NotWhole
                size = int(line[1], 16)
                if size == 0:
                    # The trailers, mostly none, end with an empty line.
                    self._end = self._find(_END_OF_HEAD, line_end) + len(_END_OF_HEAD)
                    return
                self._count_chunk(size, arrived=min(size, received - line_end - 2))
                self._chunks_end = line_end + 2 + size + 2
        except _NotYet:
            pass
        except _NotWhole:
            # gunicorn refuses that.
            self._end, self._is_cut = received, True
            return
        self._end = received + 1

    def _find(self, text: bytes, begin: int) -> int:
        """Return where a line or the trailers end."""
        found = self.data.find(text, begin, begin + _LINE_BYTES)
        if found < 0:
            raise _NotYet if len(self.data) - begin < _LINE_BYTES else _NotWhole
        return found

    def _count_chunk(self, size: int, *, arrived: int) -> None:
        if self._chunked_bytes + arrived > self._body_limit + _READ_AHEAD:
            raise _NotWhole
        if self._chunked_bytes + size > self._body_limit + _READ_AHEAD:
            raise _NotYet
        self._chunked_bytes += size
        self._chunks += 1
