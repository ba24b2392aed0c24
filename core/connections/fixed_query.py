"""Reads that nearly every request makes, compiled once instead of each time."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import models

from core import replica
from core.connections.prepared import prepared_cursor

Row = TypeVar("Row", bound=models.Model)


class FixedQuery(Generic[Row]):
    """Reads one row of a model with constant SQL; only the values differ.

    The ORM compiles its SQL for each call, and PostgreSQL plans it each time. `clauses` follow the
    model's table in FROM, with `%s` for each value; `extra` are SQL expressions that are selected
    with the row. The query runs on the replica where the ORM's would.
    """

    def __init__(self, model: type[Row], clauses: str, *, extra: Sequence[str] = ()) -> None:
        self._model = model
        fields = model._meta.concrete_fields
        table = model._meta.db_table
        columns = ", ".join([*(_column(table, field) for field in fields), *extra])
        self._names = [str(field.attname) for field in fields]
        self._sql = f'SELECT {columns} FROM "{table}" {clauses} LIMIT 1'  # noqa: S608

    def first(self, *values: Any) -> Row | None:
        """Return a row, or None when there is none."""
        found = self.first_with_extra(*values)
        return None if found is None else found[0]

    def first_with_extra(self, *values: Any) -> tuple[Row, list[Any]] | None:
        """Return a row and the values of the `extra` expressions, or None."""
        alias = replica.current_alias()
        with prepared_cursor(alias) as cursor:
            cursor.execute(self._sql, values)
            found = cursor.fetchone()
        if found is None:
            return None
        own, extra = found[: len(self._names)], list(found[len(self._names) :])
        return self._model.from_db(alias, self._names, own), extra


def _column(table: str, field: "models.Field[Any, Any]") -> str:
    """Return the SQL that the ORM would select the field by."""
    column = f'"{table}"."{field.column}"'
    select_format = getattr(field, "select_format", None)
    return select_format(None, column, [])[0] if select_format else column
