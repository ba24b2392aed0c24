"""Reads that nearly every request makes, without compiling them anew each time."""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connections, models

from core import replica

Row = TypeVar("Row", bound=models.Model)


class FixedQuery(Generic[Row]):
    """Rows of a model, by SQL that never changes but for its values.

    The ORM writes its SQL anew for each call, which takes ten times as long as PostgreSQL's answer.
    `rest` is what follows the model's table in FROM, with `%s` for each value; `beside` are SQL
    expressions that come with the row. Reads follow to the replica where the ORM's would.
    """

    def __init__(self, model: type[Row], rest: str, *, beside: Sequence[str] = ()) -> None:
        self._model = model
        fields = model._meta.concrete_fields
        table = model._meta.db_table
        columns = ", ".join([*(f'"{table}"."{field.column}"' for field in fields), *beside])
        self._names = [str(field.attname) for field in fields]
        self._sql = f'SELECT {columns} FROM "{table}" {rest}'  # noqa: S608

    def first(self, *values: Any) -> Row | None:
        """Return a row, or None when there is none."""
        return next(iter(self.all(*values)), None)

    def all(self, *values: Any) -> list[Row]:
        """Return the rows, in no order."""
        return [row for row, _ in self.all_beside(*values)]

    def all_beside(self, *values: Any) -> list[tuple[Row, list[Any]]]:
        """Return the rows, each with the values of the expressions beside it."""
        alias = replica.current_alias()
        with connections[alias].cursor() as cursor:
            cursor.execute(self._sql, values)
            found = cursor.fetchall()
        own = len(self._names)
        return [
            (self._model.from_db(alias, self._names, row[:own]), list(row[own:])) for row in found
        ]
