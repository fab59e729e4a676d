"""Rows as objects of their tables, without the ORM's own machinery: what is asked for at every message is asked for so,
and nothing else makes objects of tables there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, cast

from tortoise.fields import BooleanField, DateField, DatetimeField
from tortoise.fields.relational import ForeignKeyFieldInstance
from tortoise.models import Model

from models.sql import columns_of, connection, execute, read_day, read_moment

M = TypeVar("M", bound=Model)
Read = Callable[[Any], Any]


def read_row(model: type[M], row: Mapping[str, Any], prefix: str = "") -> M:
    """The object of a row that has all columns of the table, each with `prefix` before its name. It is one of the
    table's class, with the flags that the ORM sets itself, and neither `__init__` nor `_init_from_db` has run: a device
    in 4 us, for which the ORM takes 41 on SQLite (measured), most of them for dates."""
    made = model.__new__(model)
    values = vars(made)
    # what tortoise 1.1 sets on what it reads itself
    values.update(_partial=False, _saved_in_db=True, _custom_generated_pk=False, _await_when_save={})
    for name, key, read in _columns(model, prefix):
        value = row[key]
        values[name] = value if read is None or value is None else read(value)
    return made


async def find_rows(
    model: type[M], condition: str, values: Sequence[Any] = (), *, joined: tuple[str, ...] = ()
) -> list[M]:
    """The rows for which an SQL condition is true; ORDER BY and LIMIT may stand behind it. Each comes with what the
    foreign keys `joined` point to, whose columns the condition has under the key's name: customer.phone."""
    rows = await execute(connection(), _select(model, joined) + condition, values)
    found = [read_row(model, row) for row in rows]
    for name in joined:
        other = _pointed_to(model, name)
        for one, row in zip(found, rows, strict=True):
            vars(one)[f"_{name}"] = None if row[f"{name}.id"] is None else read_row(other, row, f"{name}.")
    return found


async def find_row(
    model: type[M], condition: str, values: Sequence[Any] = (), *, joined: tuple[str, ...] = ()
) -> M | None:
    """The first of them, or None."""
    found = await find_rows(model, f"{condition} LIMIT 1", values, joined=joined)
    return found[0] if found else None


@cache
def _select(model: type[Model], joined: tuple[str, ...]) -> str:
    table = model._meta.db_table
    columns, joins = [columns_of(model, table)], ""
    for name in joined:
        other = _pointed_to(model, name)
        columns += [f'{name}.{column} AS "{name}.{column}"' for column in sorted(other._meta.db_fields)]
        joins += f" LEFT JOIN {other._meta.db_table} {name} ON {name}.id = {table}.{name}_id"
    return f"SELECT {', '.join(columns)} FROM {table}{joins} WHERE "


def _pointed_to(model: type[Model], name: str) -> type[Model]:
    return cast(ForeignKeyFieldInstance[Model], model._meta.fields_map[name]).related_model


@cache
def _columns(model: type[Model], prefix: str) -> list[tuple[str, str, Read | None]]:
    """Of each column its name, its key in a row, and what makes a value of what SQLite has."""
    fields = model._meta.fields_map
    return [(name, prefix + name, _reader(fields[name])) for name in model._meta.db_fields]


def _reader(field: object) -> Read | None:
    if isinstance(field, DatetimeField):
        return utc_moment
    if isinstance(field, DateField):
        return read_day
    return bool if isinstance(field, BooleanField) else getattr(field, "enum_type", None)


def utc_moment(stored: datetime | str) -> datetime:
    """A moment of the business as a row has it, which SQLite may have without its zone."""
    moment = read_moment(stored)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
