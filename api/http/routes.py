"""Finding a path's view without trying every pattern."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, URLResolver
from django.urls.exceptions import Resolver404
from django.urls.resolvers import ResolverMatch, RoutePattern


class IndexedResolver(URLResolver):
    """Patterns of one level, found by their first segment and their number of segments.

    Django's own resolver tries one pattern after the other: of some forty, most calls would be
    compared with twenty. Every pattern begins with a literal segment, and no converter matches a
    slash unless it is `path`. Those that have a `path` are tried first.
    """

    def __init__(self, patterns: Sequence[URLPattern]) -> None:
        super().__init__(RoutePattern(""), list(patterns))
        self._literal: dict[str, URLPattern] = {}
        self._by_shape: dict[tuple[str, int], list[URLPattern]] = defaultdict(list)
        self._any_length: list[URLPattern] = []
        for pattern in patterns:
            route = str(pattern.pattern)
            if "<path:" in route:
                self._any_length.append(pattern)
            elif "<" in route:
                self._by_shape[_shape(route)].append(pattern)
            else:
                self._literal[route] = pattern

    def resolve(self, path: Any) -> ResolverMatch:
        """Return the match of a path without its leading slash. Raises `Resolver404`."""
        text = str(path)
        literal = self._literal.get(text)
        candidates = (
            self._any_length + self._by_shape.get(_shape(text), [])
            if literal is None
            else [literal]
        )
        for pattern in candidates:
            match = pattern.resolve(text)
            if match is not None:
                return match
        raise Resolver404({"path": path, "tried": []})


def _shape(route: str) -> tuple[str, int]:
    return route.partition("/")[0], route.count("/")
