"""Statements of providers and banks: their columns are found by their headings, whatever stands around the table.

Headings as the organisation portals of M-Pesa (Kenya, Tanzania, Ghana) write them, those of MTN and of plain banks; a
Safaricom portal puts lines about the organisation before the header, and writes what went out with a minus.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel.dates import get_month_names

from bot.company import Company
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import Row, figure, quoted, too_many_decimals
from handlers.exchange.sheet import ImportKind
from handlers.exchange.table import SEPARATORS, Table, Unreadable
from models.money.receiving import LONGEST_REFERENCE, normal_reference
from models.money.reconciling import Said, SaidOtherwise, add_file, add_line, check_same
from models.money.statements import Direction

# What a column means, with the headings that say so, the surest first; only letters and digits count.
HEADINGS: Mapping[str, tuple[str, ...]] = {
    "reference": (
        *("receipt no", "receipt number", "receipt", "financial transaction id", "transaction id", "trans id"),
        *("transaction reference", "transaction ref", "transaction no", "transaction number", "txn id", "id"),
        *("reference no", "reference number", "bank reference", "reference", "ref no", "ref"),
    ),
    "time": (
        *("completion time", "transaction date", "transaction date time", "date time", "date and time", "date"),
        *("posting date", "trans date", "txn date", "value date"),
    ),
    "clock": ("time", "transaction time"),
    "status": ("transaction status", "status"),
    "type": ("reason type", "transaction type", "type", "service type"),
    "details": ("details", "transaction details", "description", "narration", "narrative", "particulars", "remarks"),
    "paid in": ("paid in", "credit", "credits", "credit amount", "money in", "deposit", "deposits", "amount received"),
    "withdrawn": (
        *("withdrawn", "paid out", "debit", "debits", "debit amount", "money out", "withdrawal", "withdrawals"),
    ),
    "amount": ("amount", "transaction amount"),
    "side": ("dr cr", "cr dr", "d c", "c d", "debit credit", "credit debit", "dr cr indicator", "cr dr indicator"),
    "fee": ("fee", "fees", "charge", "charges", "service charge", "transaction fee"),
    "balance": ("balance", "running balance", "closing balance", "balance after", "account balance"),
    "party": (
        *("other party info", "opposite party", "other party", "from", "payer", "sender", "from account", "msisdn"),
        *("sender mobile number", "phone number", "customer"),
    ),
    "party name": ("from name", "from handler name", "payer name", "sender name", "customer name"),
    "account": (
        *("a c no", "ac no", "account reference", "bill reference number", "bill reference", "note message", "note"),
        *("payer note", "payer message", "from message", "message", "external id"),
    ),
    "currency": ("currency",),
}
COLUMNS = tuple(HEADINGS)
MONEY = ("paid in", "withdrawn", "amount")
BEFORE_HEADER = 40  # lines about the organisation
DONE = re.compile(
    r"\b(complete|succ[eè]|approved|posted|settled|confirmed|cleared|paid|ok|done|r[eé]ussi|termin[eé]|effectu[eé]|"
    r"conclu[ií]d|imefanikiwa|imekamilika)",
    re.IGNORECASE,
)
NOT_DONE = re.compile(r"\b(not|non|n[aã]o)\b|revers|fail|declin|reject|cancel|annul|anulad", re.IGNORECASE)
# Ada alone is somebody's name.
FEE = re.compile(
    r"\b(charge|charges|fee|fees|levy|excise|tariff|commission|frais|taxa|ada (ya|za)|makato)\b", re.IGNORECASE
)
TOTAL = re.compile(r"\b(totals?|balance|jumla|solde|saldo)\b", re.IGNORECASE)  # in place of a day
DEBIT = re.compile(r"d|dr|debit", re.IGNORECASE)
TO_BANK = re.compile(r"\bto (the )?bank\b|\bbank (settlement|transfer|withdrawal)\b", re.IGNORECASE)
BACK = re.compile(r"\brever(sal|sed|se)\b|\brefund", re.IGNORECASE)
_MSISDN = re.compile(r"^FRI:(.*)/MSISDN$")  # how MTN writes a phone number
_CURRENCY = re.compile(r"(?<![A-Z])(CR|DR|KSHS?|TSHS?|USHS?|[A-Z]{3})(?![A-Z])\.?|[\s\u00a0']")
_GROUPS = re.compile(r"[0-9]{1,3}([.,][0-9]{3}){1,5}|[0-9]{1,15}")  # more digits are no money, and Python reads 4,300
DATE = re.compile(
    r"(?:(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"
    r"|(?P<day2>\d{1,2})[-/. ](?P<month2>\d{1,2}|[^\W\d_]{3,9})[-/. ](?P<year2>\d{4}|\d{2}))"
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?"
    r"\s*(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
MONTHS = {name[:3].lower(): number for number, name in get_month_names(locale="en").items()}


class StatementRow(NamedTuple):
    """A row of a statement. One that has two lines has a fee of its own beside the amount."""

    said: tuple[Said, ...]
    has_clock: bool
    left_out: Reason | None = None  # why it is no line


@dataclass(frozen=True)
class StatementTable(Table):
    """A file whose header may come late, under names of our own; columns of no use have none."""

    @classmethod
    def within(cls, table: Table) -> "StatementTable":
        """The statement in a file. Lines about the organisation do not tell what parts its cells: by another sign they
        may not be readable at all. Raises Unreadable when no row is a header of one."""
        wrong: list[Unreadable] = []
        for separator in (table.separator, *SEPARATORS):
            found = cls(table.text, separator, table.first)
            try:
                if any(_is_header(cells) for _line, cells in found._beginning()):
                    return found
            except Unreadable as error:
                wrong.append(error)
        if wrong:
            raise wrong[0]
        raise Unreadable(1, Reason(N_("no line names a time and what was paid in, withdrawn, or the amount")))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """The header by our names, then the rows, each as wide as the header."""
        header: list[str] = []
        for line, cells in super().rows():
            if header:
                # Totals are short, and some portals end each row with a separator: neither is a mistake.
                too_many = any(cells[len(header) :])
                yield line, cells if too_many else (cells + [""] * len(header))[: len(header)]
            elif _is_header(cells):
                header = _names(cells)
                yield line, header

    def _beginning(self) -> Iterator[tuple[int, list[str]]]:
        for line, cells in super().rows():
            if line > self.first + BEFORE_HEADER:
                return
            yield line, cells


def _squeeze(heading: str) -> str:
    return re.sub(r"[\W_]", "", heading.casefold())


def _names(cells: Sequence[str]) -> list[str]:
    """For each heading what it means; of two that mean the same the surer one."""
    squeezed, names = [_squeeze(cell) for cell in cells], [""] * len(cells)
    for name, headings in HEADINGS.items():
        for heading in map(_squeeze, headings):
            if heading in squeezed and not names[squeezed.index(heading)]:
                names[squeezed.index(heading)] = name
                break
    return names


def _is_header(cells: Sequence[str]) -> bool:
    names = _names(cells)
    return ("time" in names or "clock" in names) and any(name in names for name in MONEY)


def statement_kind(provider: str) -> ImportKind:
    """How the statements of one provider, or of the bank, are read."""

    named: dict[tuple[str, Direction], list[Said]] = {}

    def read(row: Row, company: Company) -> StatementRow:
        found = _read(row, provider, company)
        return found._replace(said=tuple(_told_apart(said, named) for said in found.said))

    async def write(row: StatementRow, company: Company) -> bool:
        return any([await _add(said, company, f"statement of {provider}") for said in row.said])

    async def finish(rows: Sequence[tuple[int, StatementRow]], company: Company, actor: str) -> None:
        if (span := _span([row for _line, row in rows], company)) is not None:
            await add_file(provider, *span, actor=actor)

    return ImportKind(
        columns=COLUMNS, rows=_nothing, optional=COLUMNS, read=read, key=_key, fits=_fits, write=write, finish=finish
    )


def _told_apart(said: Said, named: dict[tuple[str, Direction], list[Said]]) -> Said:
    """A charge and the tax on it may have one reference: what went out once more, in other words or of another amount,
    gets a reference of its own. A payment's is never anybody else's."""
    others = named.setdefault((said.reference, said.direction), [])
    if said not in others:
        others.append(said)
    place = others.index(said) + 1
    if place == 1 or said.direction is Direction.IN:
        return said
    own = f"/{place}"
    return replace(said, reference=said.reference[: LONGEST_REFERENCE - len(own)] + own)


async def _add(said: Said, company: Company, actor: str) -> bool:
    try:
        return await add_line(said, actor=actor)
    except SaidOtherwise as error:
        raise _otherwise(said, error, company) from error


async def _nothing(_company: Company) -> AsyncIterator[Sequence[object]]:
    """Statements are not written out again as they came."""
    return
    yield ()


def _key(row: StatementRow) -> object:
    return (row.said[0].reference, row.said[0].direction) if row.said else object()


async def _fits(row: StatementRow, company: Company) -> Reason | None:
    for said in row.said:
        try:
            await check_same(said)
        except SaidOtherwise as error:
            raise _otherwise(said, error, company) from error
    return row.left_out


def _otherwise(said: Said, error: SaidOtherwise, company: Company) -> Reason:
    if error.earlier.amount != said.amount:
        return Reason(N_("{reference} is there with another amount"), reference=said.reference)
    day = error.earlier.at.astimezone(company.zone).date().isoformat()
    wrong = N_("{reference} is there already, of {day}: give this line another reference in the file")
    return Reason(wrong, reference=said.reference, day=day)


def _span(rows: Sequence[StatementRow], company: Company) -> tuple[datetime, datetime] | None:
    """From when until when the rows go; to the end of the last day that is over when they say days alone."""
    times = [said.at for row in rows for said in row.said]
    if not times:
        return None
    if any(row.has_clock for row in rows):
        return min(times), max(times)
    last = max(times).astimezone(company.zone).date()
    ends = datetime.combine(min(last + timedelta(days=1), company.today()), time(), company.zone).astimezone(UTC)
    return (min(times), ends) if min(times) <= ends else None


def _read(row: Row, provider: str, company: Company) -> StatementRow:
    """Raises Reason for a row that has money and is not understood."""
    amounts = {name: read_amount(row.get(name, ""), name, company) for name in (*MONEY, "fee")}
    moved = _moved(amounts, row.get("side") or row.get("type", ""))
    if not (row.get("time") or row.get("clock")) or TOTAL.search(row.get("time", "")):
        return StatementRow((), False, Reason(N_("no time, as with a total: left out")))
    if not moved and not amounts["fee"]:
        return StatementRow((), False, Reason(N_("no money moved: left out")))
    if (status := row.get("status", "")) and (not DONE.search(status) or NOT_DONE.search(status)):
        return StatementRow((), False, Reason(N_("{status}: left out"), status=f"'{status[:20]}'"))
    if (currency := row.get("currency", "").upper()) and currency != company.currency:
        wrong = N_("the currency is {said} and not {currency}")
        raise Reason(wrong, said=quoted(currency, 10), currency=company.currency)
    at, has_clock = read_time(f"{row.get('time', '')} {row.get('clock', '')}".strip(), company.zone)
    words = " ".join(filter(None, (row.get("details"), row.get("type"))))
    main = Said(
        provider=provider,
        reference=_reference(row, at, moved, words),
        direction=_direction(moved, words),
        amount=abs(moved),
        at=at,
        payer=" - ".join(filter(None, (_MSISDN.sub(r"\1", row.get("party", "")), row.get("party name")))),
        account_text=row.get("account", "") or _account_in(words),
        details=words,
        to_bank=bool(TO_BANK.search(words)) and not BACK.search(words),
    )
    said = [main] if moved else []
    if amounts["fee"]:
        said.append(replace(main, direction=Direction.FEE, amount=abs(amounts["fee"]), account_text=""))
    return StatementRow(tuple(said), has_clock)


def _moved(amounts: Mapping[str, int], side: str) -> int:
    """What came in, or below 0 what went out. A minus before what was withdrawn says the same twice; one before what
    was paid in takes that back. An amount without a sign may have its side beside it: `DR`, `Credit`."""
    if amounts["paid in"] or amounts["withdrawn"]:
        return amounts["paid in"] - abs(amounts["withdrawn"])
    return -abs(amounts["amount"]) if DEBIT.fullmatch(side) else amounts["amount"]


def _direction(moved: int, words: str) -> Direction:
    if moved > 0:
        return Direction.IN
    return Direction.FEE if FEE.search(words) and not BACK.search(words) else Direction.OUT


def _reference(row: Row, at: datetime, moved: int, words: str) -> str:
    """The provider's own; for a row without one a name made of all that it says, the same each time."""
    if row.get("reference"):
        try:
            return normal_reference(row["reference"])
        except ValueError as error:
            raise Reason(N_("no reference: {said}"), said=quoted(row["reference"])) from error
    said = "|".join((at.isoformat(), str(moved), words, row.get("balance", ""), row.get("party", "")))
    return f"NOREF{hashlib.sha256(said.encode()).hexdigest()[:12].upper()}"


def _account_in(words: str) -> str:
    """What the customer typed, where only the words of the row have it: `Pay Bill from … Acc. 04123456784`."""
    found = re.search(r"\bAcc(?:ount)?(?:\.| No\.?| Number)?[: ]+([\w/.-]+(?: [\w/.-]+)?)\s*$", words)
    return found[1] if found else ""


def read_time(text: str, zone: ZoneInfo) -> tuple[datetime, bool]:
    """A moment as statements write it, the day before the month, in the operator's zone unless it says one; and whether
    it has a time of day. Raises Reason."""
    bare = re.sub(r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$", r"\1-\2-\3 \4:\5:\6", text.strip())
    found = DATE.fullmatch(bare)
    if not found:
        raise Reason(N_("this is no day or time: {said}"), said=quoted(text, 30))
    try:
        return _moment(found.groupdict(), zone), found["hour"] is not None
    except (ValueError, OverflowError) as error:
        wrong = N_("this is no day or time, the day comes before the month: {said}")
        raise Reason(wrong, said=quoted(text, 30)) from error


def _moment(part: Mapping[str, str], zone: ZoneInfo) -> datetime:
    """Raises ValueError, and OverflowError at the ends of the calendar."""
    month = part["month"] or part["month2"]
    year = int(part["year"] or part["year2"])
    hour = int(part["hour"] or 0)
    if part["half"]:
        hour = hour % 12 + (12 if part["half"].lower().startswith("p") else 0)
    at = datetime(
        year + 2000 if year < 100 else year,
        int(month) if month.isdigit() else MONTHS.get(month[:3].lower(), 0),
        int(part["day"] or part["day2"]),
        hour,
        int(part["minute"] or 0),
        int(part["second"] or 0),
        tzinfo=zone,
    )
    if part["zone"]:
        at = at.replace(tzinfo=datetime.fromisoformat(f"2026-01-01T00:00{part['zone'].replace('Z', '+00:00')}").tzinfo)
    return at.astimezone(UTC)


def read_amount(text: str, column: str, company: Company) -> int:
    """An amount as statements write it, in minor units: `1,053.00`, `-4000`, `(500)`, `TZS 1 000,00`, `500 DR`; 0 for
    an empty cell. Raises Reason."""
    said = text.strip().upper()
    negative = said.startswith(("-", "\u2212", "(")) or said.endswith(("DR", "-"))
    if said in ("", "-"):
        return 0
    whole, fraction = _split(_CURRENCY.sub("", said).strip("-+\u2212()"), company)
    if not _GROUPS.fullmatch(whole) or not (fraction or "0").isdecimal():
        raise Reason(N_("{column} is no amount: {said}"), column=column, said=quoted(text))
    if fraction[company.exponent :].strip("0"):
        raise too_many_decimals(column, text, company)
    minor = int(re.sub(r"[.,]", "", whole) + fraction[: company.exponent].ljust(company.exponent, "0"))
    if minor > 10**15:
        most = figure(10**15, company)
        raise Reason(N_("{column} is more than {most}: {said}"), column=column, most=most, said=quoted(text))
    return -minor if negative else minor


def _split(bare: str, company: Company) -> tuple[str, str]:
    """The whole part and the decimals. Of two marks the later one begins the decimals; a single one does so unless
    three digits follow, as after thousands."""
    marks = [mark for mark in bare if mark in ".,"]
    whole, mark, rest = bare.rpartition(marks[-1]) if marks else (bare, "", "")
    is_thousands = len(rest) == 3 and (company.exponent != 3 or mark == company.thousands)
    if marks and len(set(marks)) == 1 and (len(marks) > 1 or is_thousands):
        return bare, ""
    return whole, rest
