"""Reads that nearly every request makes, without compiling them anew each time."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import models

from core import replica
from core.connections.prepared import prepared_cursor

Row = TypeVar("Row", bound=models.Model)


class FixedQuery(Generic[Row]):
    """One row of a model, by SQL that never changes but for its values.

    The ORM writes its SQL anew for each call, and PostgreSQL plans it anew.
    `rest` is what follows the model's table in FROM, with `%s` for each value; `beside` are SQL
    expressions that come with the row. Reads follow to the replica where the ORM's would.
    """

    def __init__(self, model: type[Row], rest: str, *, beside: Sequence[str] = ()) -> None:
        self._model = model
        fields = model._meta.concrete_fields
        table = model._meta.db_table
        columns = ", ".join([*(f'"{table}"."{field.column}"' for field in fields), *beside])
        self._names = [str(field.attname) for field in fields]
        self._sql = f'SELECT {columns} FROM "{table}" {rest} LIMIT 1'  # noqa: S608

    def first(self, *values: Any) -> Row | None:
        """Return a row, or None when there is none."""
        found = self.first_beside(*values)
        return None if found is None else found[0]

    def first_beside(self, *values: Any) -> tuple[Row, list[Any]] | None:
        """Return a row and the values of the expressions beside it, or None."""
        alias = replica.current_alias()
        with prepared_cursor(alias) as cursor:
            cursor.execute(self._sql, values)
            found = cursor.fetchone()
        if found is None:
            return None
        own, beside = found[: len(self._names)], list(found[len(self._names) :])
        return self._model.from_db(alias, self._names, own), beside
