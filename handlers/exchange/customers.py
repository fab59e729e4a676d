"""Customers as rows, and who of them a row means."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bot.company import Company
from bot.text.gsm import straight
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import (
    NOTHING,
    Row,
    drop_empty,
    language,
    needed_text,
    one_of,
    optional_name,
    phone,
    position,
    whole,
)
from handlers.exchange.references import NO_MINI_GRID, find_defined
from handlers.exchange.sheet import ImportKind, Shared
from models.customers.numbers import keep_numbers, numbers_given
from models.customers.registration import is_name
from models.customers.search import Namesake, namesakes, namesakes_of_all
from models.names import folded, named, named_or_new, renew
from models.people import Customer, Gender, MiniGrid, Village
from models.rows import find_rows
from models.sql import connection, execute, marks, on_postgres, row_marks

PAGE = 1000
FORMER = "SELECT subject, old FROM audit WHERE action = 'customer phone' AND old IN ({})"
MOST_CUSTOMERS = 8_999_999  # new ones get the numbers after the highest, and people write seven digits at most
COLUMNS = (
    *("number", "name", "surname", "phone", "language", "mini_grid", "village", "gender"),
    *("latitude", "longitude"),
)
# As spreadsheets shorten them.
GENDERS = {str(gender): str(gender) for gender in Gender} | {"f": "female", "m": "male", "o": "other"}


class Person(NamedTuple):
    """Who is meant: the customer of this number, or without one the only customer of this name and phone."""

    number: int | None
    name: str
    surname: str
    phone: str | None  # None: the row says nothing of it. NOTHING: there is none

    @property
    def phone_number(self) -> str:
        """The phone number; empty where the row has none."""
        return "" if self.phone in (None, NOTHING) else str(self.phone)

    def namesake(self, mini_grid_id: int) -> Namesake:
        return Namesake(self.name, self.surname, self.phone_number, mini_grid_id)


class CustomerRow(NamedTuple):
    person: Person
    mini_grid: str
    language: str | None
    village: str | None
    gender: str | None
    latitude: float | str | None
    longitude: float | str | None


@dataclass
class Portion:
    """What rows that are handled together would each ask for again. Of a customer whom two of them mean, one by the
    number and one by name and phone, it has one copy, on which the second sees what the first has changed."""

    grids: dict[str, MiniGrid] = field(default_factory=dict)  # by name
    villages: dict[tuple[str, int], int] = field(default_factory=dict)  # by name and mini-grid
    numbered: dict[int, Customer | None] = field(default_factory=dict)
    namesakes: dict[Namesake, list[Customer]] = field(default_factory=dict)
    new: list[dict[str, Any]] = field(default_factory=list)  # customers that are yet to be written
    phones: list[str] = field(default_factory=list)  # of rows without a number
    former: dict[str, list[int]] | None = None  # numbers of customers who had these phones once, when somebody asks


_PORTION: ContextVar[Portion | None] = ContextVar("portion of an import", default=None)


@asynccontextmanager
async def knowing(rows: Sequence[CustomerRow]) -> AsyncIterator[None]:
    """Look up at once whom these rows mean, where each question is a trip over the network, and write at the end who is
    new of them."""
    portion = Portion(phones=[row.person.phone_number for row in rows if row.person.number is None])
    before = _PORTION.set(portion)
    try:
        if on_postgres():
            await _look_up(portion, rows)
        yield
        await _insert(portion.new)
    finally:
        _PORTION.reset(before)


async def _look_up(portion: Portion, rows: Sequence[CustomerRow]) -> None:
    for name in {row.mini_grid for row in rows}:
        if grid := await named(MiniGrid, name):
            portion.grids[name] = grid
    of_number = [row.person.number for row in rows if row.person.number]
    of_name = [
        row.person.namesake(portion.grids[row.mini_grid].id)
        for row in rows
        if row.person.number is None and row.mini_grid in portion.grids
    ]
    found = {one.id: one for one in await find_rows(Customer, "id = ANY($1::bigint[])", [of_number])}
    portion.numbered = {number: found.get(number) for number in of_number}
    for meant, some in (await namesakes_of_all(list(dict.fromkeys(of_name)))).items():
        portion.namesakes[meant] = [found.setdefault(one.id, one) for one in some]


async def _insert(new: Sequence[dict[str, Any]]) -> None:
    """Write these, in one statement each the ones of which the same is said."""
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in new:
        alike.setdefault(tuple(one), []).append(one)
    for columns, some in alike.items():
        statement = f"INSERT INTO customer ({', '.join(columns)}) VALUES {row_marks(len(some), len(columns))}"
        await execute(connection(), statement, [value for one in some for value in one.values()])


async def _grid(name: str) -> MiniGrid:
    """Raises Reason."""
    portion = _PORTION.get() or Portion()
    if name not in portion.grids:
        portion.grids[name] = await find_defined(MiniGrid, name, NO_MINI_GRID)
    return portion.grids[name]


def person(row: Row, number: str, company: Company) -> Person:
    """Who a row means; `number` is the column with the customer's number."""
    name, surname = (straight(needed_text(row, column)) for column in ("name", "surname"))
    who = name, surname, phone(row, "phone", company)
    return Person(whole(row, number, 1, MOST_CUSTOMERS), *who)


async def find_meant(who: Person, mini_grid_id: int | None = None) -> list[Customer]:
    """Nobody, the customer who is meant, or several when name and phone are not enough to tell. Raises Reason
    when the number is somebody else's."""
    number, portion = who.phone_number, _PORTION.get()
    if who.number is None and portion and mini_grid_id and (meant := who.namesake(mini_grid_id)) in portion.namesakes:
        return portion.namesakes[meant]
    if who.number is None:
        return await namesakes(who.name, who.surname, number, mini_grid_id)
    known = (
        portion.numbered[who.number]
        if portion and who.number in portion.numbered
        else await Customer.get_or_none(id=who.number)
    )
    if known is None:
        return []
    if (folded(known.name), folded(known.surname)) != (folded(who.name), folded(who.surname)):
        wrong = N_("customer {number} is somebody else: {name}")
        raise Reason(wrong, number=who.number, name=f"{known.name} {known.surname}")
    if who.phone is not None and (known.phone or "") != number:
        wrong = N_(
            "customer {number} has another phone: change it with mwanga customer phone, or on the customer's page"
        )
        raise Reason(wrong, number=who.number)
    if mini_grid_id is not None and known.mini_grid_id != mini_grid_id:
        raise Reason(N_("customer {number} is of another mini_grid"), number=who.number)
    return [known]


def _read(row: Row, company: Company) -> CustomerRow:
    return CustomerRow(
        person(row, "number", company),
        needed_text(row, "mini_grid"),
        language(row, company),
        optional_name(row, "village"),
        _gender(row),
        *position(row),
    )


def _gender(row: Row) -> str | None:
    said = one_of(row, "gender", (*GENDERS, NOTHING))
    return GENDERS.get(said, said) if said else None


async def _fits(row: CustomerRow, _company: Company) -> None:
    """A village that is new is made. A mini-grid is not: nobody would ever see the customers of a misspelt one."""
    grid = await _grid(row.mini_grid)
    found = await find_meant(row.person, grid.id)
    if len(found) > 1:
        raise Reason(N_("several customers have this name and phone: write the number of the one that is meant"))
    if not found and row.person.number is None and row.person.phone is None:
        _number, name, surname, _phone = row.person
        if await namesakes(name, surname, None, grid.id, 1):
            raise Reason(N_("this customer is there with a phone: write it, or none for somebody else who has none"))
    if not found and row.person.number is None and row.person.phone_number:
        await _check_former(row.person, grid)
    if not found and not (is_name(row.person.name) and is_name(row.person.surname)):
        raise Reason(N_("name and surname have 3 letters or more each, 60 at most, and nothing but letters"))


async def _check_former(who: Person, grid: MiniGrid) -> None:
    """A file of the time before a customer got another phone doubles nobody. Raises Reason."""
    portion = _PORTION.get() or Portion(phones=[who.phone_number])
    if portion.former is None:
        portion.former = await _had_phones(portion.phones)
    for number in portion.former.get(who.phone_number, []):
        known = await Customer.get_or_none(id=number, mini_grid_id=grid.id)
        if known and (folded(known.name), folded(known.surname)) == (folded(who.name), folded(who.surname)):
            raise Reason(N_("customer {number} had this phone once, and is the same: write the number"), number=number)


async def _had_phones(phones: Sequence[str]) -> dict[str, list[int]]:
    """The numbers of customers who had these phones, and got others."""
    had: dict[str, list[int]] = {}
    wanted = sorted({phone for phone in phones if phone})
    for row in await execute(connection(), FORMER.format(marks(len(wanted))), wanted):
        had.setdefault(row["old"], []).append(int(row["subject"].removeprefix("customer ")))
    return had


async def _write(row: CustomerRow, company: Company) -> bool:
    grid = await _grid(row.mini_grid)
    wanted = drop_empty(
        language=row.language,
        village_id=row.village and await _village_id(row.village, grid),
        gender=row.gender,
        latitude=row.latitude,
        longitude=row.longitude,
    )
    if found := await find_meant(row.person, grid.id):
        return await renew(found[0], wanted)
    number, name, surname, phone_ = row.person
    who: dict[str, Any] = {"name": name, "surname": surname, "phone": None if phone_ == NOTHING else phone_}
    who |= {"language": company.languages[0], "mini_grid_id": grid.id} | wanted
    new = {**who, "created_at": datetime.now(UTC), **({"id": number} if number else {})}
    if portion := _PORTION.get():
        portion.new.append(new)
    else:
        await _insert([new])
    return True


async def _village_id(village: str, grid: MiniGrid) -> int | str:
    if village == NOTHING:
        return NOTHING
    portion = _PORTION.get() or Portion()
    if (village, grid.id) not in portion.villages:
        found, _new = await named_or_new(Village, village, mini_grid_id=grid.id)
        portion.villages[village, grid.id] = found.id
    return portion.villages[village, grid.id]


async def _rows(_company: Company) -> AsyncIterator[Sequence[object]]:
    last = 0
    while page := await Customer.filter(id__gt=last).order_by("id").limit(PAGE).select_related("mini_grid", "village"):
        for customer in page:
            village = customer.village.name if customer.village else ""
            who = customer.id, customer.name, customer.surname, customer.phone or NOTHING
            where = customer.latitude, customer.longitude
            yield *who, customer.language, customer.mini_grid.name, village, customer.gender, *where
        last = page[-1].id


def _key(row: CustomerRow) -> object:
    who = row.person
    return who.number or (folded(who.name), folded(who.surname), who.phone or NOTHING, folded(row.mini_grid))


def _numbered(row: CustomerRow) -> Shared:
    """Namesakes are told apart by their numbers, or not at all."""
    unnumbered = _key(row._replace(person=row.person._replace(number=None)))
    who = f"{row.person.name} {row.person.surname}"
    return Shared(unnumbered, row.person.number is not None, Reason(N_("the number of {name}"), name=who))


async def _reserve(rows: Sequence[tuple[int, CustomerRow]]) -> list[tuple[int, CustomerRow]]:
    """Keep the numbers of the file from those whom agents register meanwhile."""
    numbers = [row.person.number for _line, row in rows if row.person.number]
    if not numbers:
        return []
    await keep_numbers(max(numbers))
    given = await numbers_given(numbers)
    return [(line, row) for line, row in rows if row.person.number in given]


CUSTOMERS = ImportKind(
    columns=COLUMNS,
    rows=_rows,
    optional=("number", "phone", "language", "village", "gender", "latitude", "longitude"),
    read=_read,
    key=_key,
    alike=N_("the same as line {line}: namesakes need a number each"),
    shared=_numbered,
    knowing=knowing,
    fits=_fits,
    reserve=_reserve,
    # The highest number first, so that nobody new is given a number of the file.
    first=lambda row: row.person.number or 0,
    write=_write,
)
