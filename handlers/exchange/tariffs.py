"""Tariffs: what a day or a kilowatt-hour costs, and what else a payment gives to."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from bot.company import Company
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import Row, coins, drop_empty, figure, money, needed_text, one_of, quoted, require, whole
from handlers.exchange.sheet import ImportKind
from models.devices import Tariff, Unit
from models.devices.access_rate import keep_rate
from models.names import folded, named, renew

MOST = 99_999_999  # whole units of currency
COLUMNS = ("name", "unit", "price", "minimum", "components", "access_rate", "access_days", "recovery")


# A tariff of this unit is there.
OF_OTHER_UNIT = {
    Unit.DAYS: N_("{name} is a tariff of days already: give the new one another name"),
    Unit.ENERGY: N_("{name} is a tariff of energy already: give the new one another name"),
}


class TariffRow(NamedTuple):
    """A tariff as a row says it."""

    name: str
    unit: str
    # `price` and `components` of a day or a kWh, `minimum`, and the `access_rate` of so many `access_days`: in minor
    # units. `recovery` is the percentage of a payment that overdue goods may take.
    given: dict[str, Any]


def _read(row: Row, company: Company) -> TariffRow:
    return TariffRow(
        needed_text(row, "name"),
        require(one_of(row, "unit", (Unit.DAYS, Unit.ENERGY)), "unit"),
        drop_empty(
            price=require(money(row, "price", 1, MOST, company), "price"),
            minimum=coins(row, "minimum", company.coin, MOST * company.unit, company),
            components=money(row, "components", 0, MOST, company),
            access_rate=money(row, "access_rate", 0, 9_999_999, company),
            access_days=whole(row, "access_days", 1, 366),
            recovery=whole(row, "recovery", 0, 100),
        ),
    )


async def _fits(row: TariffRow, _company: Company) -> None:
    """Another unit does not fit: a device that is sold by kWh would be sold by the day."""
    known = await named(Tariff, row.name)
    if known and known.unit != row.unit:
        raise Reason(OF_OTHER_UNIT[Unit(known.unit)], name=quoted(row.name, 40))
    rate, days = (row.given.get(column, getattr(known, column, 0)) for column in ("access_rate", "access_days"))
    if rate and not days:
        raise Reason(N_("access_days is empty beside an access_rate"))


async def _write(row: TariffRow, company: Company) -> bool:
    known = await named(Tariff, row.name)
    wanted = row.given
    if known is None or known.minimum == _usual_minimum(row.unit, known.full_price, company):
        components = wanted.get("components", known.components if known else 0)
        wanted = {"minimum": _usual_minimum(row.unit, wanted["price"] + components, company)} | wanted
    changed = await renew(known, wanted) if known else True
    tariff = await Tariff.get(id=known.id) if known else await Tariff.create(name=row.name, unit=row.unit, **wanted)
    await keep_rate(tariff, company.today())
    return changed


def _usual_minimum(unit: str, price: int, company: Company) -> int:
    """Less than a day's price buys no day: where nobody said another one, it goes with the price. Energy is sold by its
    tenth."""
    return -(-price // company.coin) * company.coin if unit == Unit.DAYS else company.coin


async def _rows(company: Company) -> AsyncIterator[Sequence[object]]:
    for plan in await Tariff.all().order_by("id"):
        price, components, rate = (figure(each, company) for each in (plan.price, plan.components, plan.access_rate))
        minimum, access = (
            figure(plan.minimum, company) if plan.minimum >= company.coin else "",
            (rate, plan.access_days or ""),
        )
        yield plan.name, plan.unit, price, minimum, components, *access, plan.recovery


TARIFFS = ImportKind(
    columns=COLUMNS,
    rows=_rows,
    optional=COLUMNS[3:],
    read=_read,
    key=lambda row: folded(row.name),
    fits=_fits,
    write=_write,
)
