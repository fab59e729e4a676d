"""A file as a spreadsheet saved it: whatever its letters and its separators are, a header and rows of text."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.text.controls import without_controls
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import Row

SEPARATORS = ",;\t"
BOM = "\ufeff"  # at the beginning of a file: by it Excel knows that the letters are UTF-8
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # the wide ones too, as spreadsheets in Asia take them
_NUMBER = re.compile(r"\+[0-9]+|-[0-9]+(\.[0-9]+)?")  # a phone number, or an amount below 0
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n', re.IGNORECASE)  # Excel's own first line
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}  # at the beginning of a file


class Unreadable(Exception):
    """Nothing can be read from this line on."""

    def __init__(self, line: int, reason: Reason) -> None:
        super().__init__(str(reason))
        self.line, self.reason = line, reason


@dataclass(frozen=True)
class Table:
    """The text of a file, with what parts its cells."""

    text: str
    separator: str
    first: int = 1  # the line of the file in which `text` begins

    @classmethod
    def of(cls, data: bytes) -> "Table":
        """Raises Unreadable for what is no text."""
        text = _text(data)
        if line := _SEPARATOR_LINE.match(text):
            return cls(text[line.end() :], line[1], first=2)
        header = text.lstrip("\r\n").partition("\n")[0]
        return cls(text, max(SEPARATORS, key=header.count))

    @property
    def lines(self) -> int:
        """Of all ends of lines: some programs end them by a carriage return alone."""
        return self.text.count("\n") + self.text.count("\r") - self.text.count("\r\n")

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that has something in it, with the number of its last line. Raises Unreadable."""
        reader = csv.reader(
            io.StringIO(self.text, newline=""), delimiter=self.separator, skipinitialspace=True, strict=True
        )
        try:
            for cells in reader:
                if any(map(str.strip, cells)):
                    yield reader.line_num + self.first - 1, [cell.strip() for cell in cells]
        except csv.Error as error:
            raise Unreadable(reader.line_num + self.first - 1, _reason(error)) from error


def _text(data: bytes) -> str:
    if data.startswith(b"PK"):
        raise Unreadable(1, Reason(N_("this is a workbook: save it as CSV UTF-8")))
    encoding = _encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        slip = error
    if encoding == "utf-8-sig" and not _is_broken(data):
        try:
            return data.decode("cp1252")
        except UnicodeDecodeError as error:
            slip = error
    line = data[: slip.start].count(b"\n") + 1
    wrong = N_("the letters are neither UTF-8, UTF-16 nor Windows-1252: save the file as CSV UTF-8")
    raise Unreadable(line, Reason(wrong))


def _is_broken(data: bytes) -> bool:
    """Whether this is UTF-8 but for a slip, as where it was cut off or two files were put together: with the letters of
    Windows-1252 each of its accents would be two signs. In a text of Windows-1252 hardly anything is UTF-8."""
    letters = data.decode(errors="replace")
    slips = letters.count("\ufffd")
    return sum(letter > "\x7f" for letter in letters) - slips >= slips


def _encoding(data: bytes) -> str:
    """UTF-16 by its mark or, without one, by the empty half of the header's first letter; else UTF-8."""
    unmarked = {b"\0": "utf-16-be"}.get(data[:1], "utf-16-le" if data[1:2] == b"\0" else "utf-8-sig")
    return _MARKS.get(data[:2], unmarked)


def _reason(error: csv.Error) -> Reason:
    if "unexpected end" in str(error):
        return Reason(N_("a quotation mark is opened and not closed"))
    if "field limit" in str(error):
        return Reason(N_("a cell is too long, or a quotation mark is opened and not closed"))
    return Reason(N_("a quotation mark stands alone within a cell: write it twice"))


def row_of(header: list[str], cells: list[str]) -> Row:
    """The cells by their columns. Raises Reason when they are not as many."""
    if len(cells) != len(header):
        wrong = N_("the row has another number of fields than the header, {cells} and not {columns}")
        raise Reason(wrong, cells=len(cells), columns=len(header))
    if any("\0" in cell for cell in cells):
        raise Reason(N_("the row has a character that no text has"))  # and that PostgreSQL cannot keep
    return {name: _without_mark(_tidy(cell)) for name, cell in zip(header, cells, strict=True)}


def cell_of(value: object, zone: ZoneInfo) -> str:
    """How a value is written: moments in the operator's zone, nothing that steers a terminal, and a mark before what a
    spreadsheet would run as a formula. A phone number keeps its plus and an amount its minus: they are numbers, and
    other programs read them."""
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M:%S}"
    text = "" if value is None else _tidy(str(value))
    return f"'{text}" if _begins_formula(text) and not _NUMBER.fullmatch(text) else text


def _without_mark(text: str) -> str:
    """A cell without the mark that `cell_of` puts before what a spreadsheet would run."""
    return text[1:] if text.startswith("'") and _begins_formula(text) else text


def _begins_formula(text: str) -> bool:
    """Also behind marks that somebody wrote: those are not the one that is taken away again."""
    return text.lstrip("'").startswith(FORMULA)


def _tidy(text: str) -> str:
    """A cell without control characters and without spaces around; its lines stay apart."""
    return "\n".join(map(without_controls, text.splitlines())).strip()
