"""Pages of rows with a time and an id, newest first; page 1,000 costs what page 1 does."""

import uuid
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from core.errors import InvalidInput

Row = TypeVar("Row", bound=Model)


def newest_page(
    rows: QuerySet[Row], *, cursors: QuerySet[Any], limit: int, cursor: uuid.UUID | None
) -> tuple[list[Row], uuid.UUID | None]:
    """Return a page of the rows by `created_at` and `id`, and the cursor of the next page, if any.

    A cursor is the id of the last row of the page before. `cursors` are the rows that may be one:
    a row stays a cursor when the list does not show it any more. Raises `InvalidInput` for another.
    """
    if cursor is not None:
        last = cursors.filter(pk=cursor).values_list("created_at", flat=True).first()
        if last is None:
            raise InvalidInput({"cursor": ["Not a cursor of this list."]})
        rows = rows.filter(created_at__lte=last).exclude(created_at=last, id__gte=cursor)
    found = list(rows.order_by("-created_at", "-id")[: limit + 1])
    page = found[:limit]
    return page, page[-1].pk if len(found) > limit else None
