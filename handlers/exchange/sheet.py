"""A CSV file of one kind: its columns, how a row is read, and how it is written into the database."""

import csv
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from bot.site import Site

Row = Mapping[str, str]


@dataclass(frozen=True)
class Problem:
    """What is wrong with one line; line 1 is the header."""

    line: int
    reason: str


@dataclass(frozen=True)
class Kind:
    """What can be exported: its columns, and `rows(site)`, which gives them."""

    columns: tuple[str, ...]
    rows: Callable[[Site], AsyncIterator[Sequence[object]]]


@dataclass(frozen=True)
class Imported(Kind):
    """What can be imported too. `read(row, site)` makes values of a row or raises ValueError, `key(values)` is what
    no two rows share, `fits(values)` holds them against the database or raises ValueError, and `write(values, site)`
    stores them and says whether anything changed. `optional` columns may be missing, `unread` ones are of other
    people's files; any other is a mistake that would lose what it holds. `shared(values)` is what a row
    says of something that several rows are about: its name, and all that they must agree on."""

    optional: tuple[str, ...]
    key: Callable[[Any], object]
    read: Callable[[Row, Site], Any]
    fits: Callable[[Any], Awaitable[None]]
    write: Callable[[Any, Site], Awaitable[bool]]
    shared: Callable[[Any], tuple[object, object]] | None = None
    unread: tuple[str, ...] = ()


@dataclass
class Sheet:
    """A file that was read: the values of its rows, or its problems."""

    kind: Imported
    values: list[tuple[int, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


async def read(kind: Imported, file: IO[str], site: Site) -> Sheet:
    """Read and check a whole file; nothing is written."""
    sheet = Sheet(kind)
    reader = csv.DictReader(file, skipinitialspace=True)
    header = [name.strip().lower() for name in reader.fieldnames or ()]
    if wrong := _wrong(header, kind):
        sheet.problems.append(Problem(1, wrong))
        return sheet
    reader.fieldnames = header
    seen: dict[object, tuple[int, object]] = {}
    for line, row in _rows(reader):
        try:
            sheet.values.append((line, await _checked(kind, row, line, seen, site)))
        except ValueError as error:
            sheet.problems.append(Problem(line, str(error)))
    return sheet


def _wrong(header: Sequence[str], kind: Imported) -> str:
    """What is wrong with a header; nothing: an empty text. A column without a name may stand there."""
    if len(header) == 1 and ";" in header[0]:
        return "the fields are separated by semicolons: save the file with commas"
    if missing := [name for name in kind.columns if name not in (*header, *kind.optional)]:
        return f"the column {', '.join(missing)} is missing"
    named = [name for name in header if name]
    if twice := {name for name in named if named.count(name) > 1}:
        return f"the column {', '.join(sorted(twice))} is there twice"
    if unknown := [name for name in named if name not in (*kind.columns, *kind.unread)]:
        return f"the column {', '.join(unknown)[:60]} is none of {', '.join(kind.columns)}"
    return ""


def _rows(reader: "csv.DictReader[str]") -> Iterator[tuple[int, Row]]:
    for row in reader:
        if any(value and value.strip() for value in row.values() if isinstance(value, str)):
            yield reader.line_num, row


async def _checked(kind: Imported, row: Row, line: int, seen: dict[object, tuple[int, object]], site: Site) -> Any:
    if None in row or None in row.values():  # how csv marks a row with more or fewer fields than the header
        raise ValueError("the row has another number of fields than the header")
    if any("\0" in text for text in row.values()):
        raise ValueError("the row has a character that no text has")  # and that PostgreSQL cannot keep
    value = kind.read({name: _meant(text.strip()) for name, text in row.items()}, site)
    earlier, _values = seen.setdefault(kind.key(value), (line, None))
    if earlier != line:
        raise ValueError(f"the same as line {earlier}")
    if kind.shared:
        name, values = kind.shared(value)
        earlier, before = seen.setdefault(("shared", name), (line, values))
        if before != values:
            raise ValueError(f"line {earlier} says something else of {name}")
    await kind.fits(value)
    return value


async def exported(kind: Kind, file: IO[str], site: Site) -> int:
    """Write an export; the number of rows."""
    writer, count = csv.writer(file, lineterminator="\n"), 0
    writer.writerow(kind.columns)
    async for row in kind.rows(site):
        writer.writerow([_safe(value) for value in row])
        count += 1
    return count


def _safe(value: object) -> object:
    """No cell that a spreadsheet would run as a formula; a phone number keeps its plus, being digits."""
    text = "" if value is None else str(value)
    formula = text.startswith(("=", "@", "-", "\t")) or (text.startswith("+") and not text[1:].isdigit())
    return f"'{text}" if formula else text


def _meant(text: str) -> str:
    """A cell without the mark that `_safe` puts before what a spreadsheet would run."""
    return text[1:] if text.startswith(("'=", "'@", "'-", "'+")) else text


def needed(row: Row, column: str, longest: int = 100) -> str:
    """A field that may not be empty. Raises ValueError."""
    text = row.get(column, "")
    if not text:
        raise ValueError(f"{column} is empty")
    if len(text) > longest:
        raise ValueError(f"{column} is longer than {longest} characters")
    return text


def whole(row: Row, column: str, least: int, most: int, default: int | None = None) -> int:
    """A whole number between bounds. Raises ValueError."""
    text = row.get(column, "")
    if not text and default is not None:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"{column} is no whole number from {least} to {most}: {text[:20]!r}")
    return int(text)


def percent(row: Row, column: str, default: int) -> int:
    """A percentage with up to two decimals, in basis points. Raises ValueError."""
    text = row.get(column, "") or str(default)
    if not re.fullmatch(r"\d{1,3}(\.\d{1,2})?", text) or float(text) > 100:
        raise ValueError(f"{column} is no percentage from 0 to 100: {text[:20]!r}")
    return round(float(text) * 100)
