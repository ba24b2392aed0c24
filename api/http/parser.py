"""The request parser: strict JSON, an object or (where the call takes one) an array."""

from collections.abc import Mapping
from email.message import Message
from functools import lru_cache
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from core.strict_json import parse_json

#: Most callers send one of few media types; the bound is for those who send arbitrary ones.
_CACHED_MEDIA_TYPES = 100


class StrictJSONParser(BaseParser):
    """The only parser: `application/json`."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        if _charset(media_type or self.media_type) not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(str(media_type))
        return parse_json(stream.read())


@lru_cache(_CACHED_MEDIA_TYPES)
def _charset(content_type: str) -> str:
    header = Message()
    header["Content-Type"] = content_type
    return header.get_content_charset() or "utf-8"
