"""The catalogue as rows, one for each plan that agents may offer."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from bot.company import Company
from bot.text import plain, septets
from bot.text.i18n import N_, Reason
from handlers.exchange.cells import (
    NOTHING,
    Row,
    coins,
    drop_empty,
    figure,
    flag,
    needed_text,
    one_of,
    optional_name,
    quoted,
    require,
    whole,
)
from handlers.exchange.references import find_defined
from handlers.exchange.sheet import ImportKind, Problem, Shared
from handlers.exchange.stock import NO_MODEL
from models.devices import DeviceModel, Kind
from models.names import folded, named, renew
from models.selling import Appliance, PaymentPlan, Period, Terms
from models.selling.catalogue import Type
from models.selling.instalments import DAYS, amounts

LONGEST_ITEM, LONGEST_PLAN = 20, 14  # septets: what a sentence and a command of one SMS have room for
MOST_INSTALMENTS = 260  # five years of weeks
WITHDRAWN = "none"  # instead of terms: this plan is not offered any more
DEVICES = (Type.SHS, Type.EBIKE)
COLUMNS = (
    *("appliance", "type", "price", "plan", "terms", "down", "count", "period", "day_price", "minimum"),
    *("remind_before", "remind_after", "overdue_ticket", "model"),
)


class ApplianceRow(NamedTuple):
    """Amounts are in minor units, reminders in days."""

    appliance: str
    type: str
    price: int
    item: dict[str, Any]  # what else the row says of the appliance
    plan: str
    terms: str
    figures: dict[str, Any]  # what it says of the plan


@dataclass(frozen=True)
class Figures:
    """A plan as it will be, in minor units."""

    terms: str
    down: int = 0
    count: int = 0
    period: str = ""
    day_price: int = 0
    minimum: int | None = None  # None: as usual

    def wrong(self, price: int, coin: int) -> Reason | None:
        """Why nothing can be sold on it at this price; None when it can."""
        left = (price - self.down) // coin
        if self.down > price:
            return Reason(N_("down is more than the price"))
        if (self.minimum or 0) > price:
            return Reason(N_("minimum is more than the price"))
        if self.terms == Terms.SERVICE and not 0 < self.day_price <= price:
            return Reason(N_("day_price is empty, or more than the price"))
        if self.terms != Terms.INSTALMENTS:
            return None
        if not left:
            return Reason(N_("down is the whole price: write the terms cash"))
        if not self.period:
            return Reason(N_("{column} is empty"), column="period")
        return None if 0 < self.count <= left else Reason(N_("count is no whole number from 1 to {most}"), most=left)

    def usual_minimum(self, price: int, coin: int, *, device: bool) -> int:
        """A day's price of a device: less buys no day."""
        day = self.day_price
        if device and self.terms == Terms.INSTALMENTS:
            day = -(-amounts(price - self.down, self.count, coin)[0] // DAYS[Period(self.period)])
        return min(max(-(-day // coin), 1) * coin, price)


def _short(row: Row, column: str, longest: int) -> str:
    name = " ".join(needed_text(row, column).split())
    if "," in name or not any(map(str.isalpha, name)) or septets(plain(name)) > longest:
        wrong = N_("{column} has a comma, no letter, or more than {most} characters: {said}")
        raise Reason(wrong, column=column, most=longest, said=quoted(name, 40))
    return name


def _down(row: Row, price: int, company: Company) -> int | None:
    """An amount, or a percentage of the price that is rounded down to whole coins."""
    share = row.get("down", "").removesuffix("%").rstrip()
    if share == row.get("down", ""):
        return coins(row, "down", 0, price, company)
    return price * require(whole({"down": share}, "down", 0, 100), "down") // 100 // company.coin * company.coin


def _days(row: Row, column: str) -> int | str | None:
    return NOTHING if row.get(column, "").lower() == NOTHING else whole(row, column, 0, 365)


def _read(row: Row, company: Company) -> ApplianceRow:
    coin, type_ = company.coin, require(one_of(row, "type", Type), "type")
    price = require(coins(row, "price", coin, company.most, company), "price")
    terms = require(one_of(row, "terms", [*Terms, WITHDRAWN]), "terms")
    if terms == Terms.SERVICE and type_ not in DEVICES:
        raise Reason(N_("a service needs a device that stops: type shs or ebike"))
    if row.get("model") and type_ not in DEVICES:
        raise Reason(N_("model is for devices alone: type shs or ebike"))
    item = drop_empty(
        model=optional_name(row, "model"),
        remind_before=_days(row, "remind_before"),
        remind_after=_days(row, "remind_after"),
        overdue_ticket=flag(row, "overdue_ticket"),
    )
    figures = drop_empty(minimum=coins(row, "minimum", coin, price, company))
    if terms in (Terms.INSTALMENTS, Terms.SERVICE):
        figures |= drop_empty(down=_down(row, price, company))
    if terms == Terms.INSTALMENTS:
        figures |= drop_empty(count=whole(row, "count", 1, MOST_INSTALMENTS), period=one_of(row, "period", Period))
    if terms == Terms.SERVICE:
        figures |= drop_empty(day_price=coins(row, "day_price", coin, price, company))
    names = _short(row, "appliance", LONGEST_ITEM), _short(row, "plan", LONGEST_PLAN)
    return ApplianceRow(names[0], type_, price, item, names[1], terms, figures)


def _shared(row: ApplianceRow) -> Shared:
    return Shared(folded(row.appliance), (row.type, row.price, row.item), row.appliance)


async def _fits(row: ApplianceRow, company: Company) -> None:
    known = await named(Appliance, row.appliance)
    if known and known.type != row.type:
        wrong = N_("{name} is of another type already: give the new one another name")
        raise Reason(wrong, name=repr(row.appliance))
    if row.item.get("model"):
        await find_defined(DeviceModel, row.item["model"], NO_MODEL[Kind(row.type)], kind=row.type)
    await _figures(row, known, company)


async def _figures(row: ApplianceRow, item: Appliance | None, company: Company) -> Figures | None:
    """What the row says, else what is there, else what is usual; None for a plan that goes. Raises Reason."""
    if row.terms == WITHDRAWN:
        return None
    known = await named(PaymentPlan, row.plan, appliance_id=item.id) if item else None
    kept = Figures(row.terms)
    if item and known and known.terms == row.terms:
        kept = _as_it_is(known)
        if kept.minimum == kept.usual_minimum(item.price, company.coin, device=item.is_device):
            kept = replace(kept, minimum=None)  # nobody said another one: it goes with the price
    figures = replace(kept, **row.figures)
    if wrong := figures.wrong(row.price, company.coin):
        raise wrong
    if figures.minimum is None:
        usual = figures.usual_minimum(row.price, company.coin, device=row.type in DEVICES)
        figures = replace(figures, minimum=usual)
    return replace(figures, period=figures.period or Period.WEEKLY)


def _as_it_is(plan: PaymentPlan) -> Figures:
    return Figures(plan.terms, plan.down, plan.count, plan.period, plan.day_price, plan.minimum)


async def _together(rows: Sequence[tuple[int, ApplianceRow]], company: Company) -> list[Problem]:
    """A price is for all plans of an appliance: those that the file says nothing of have to fit it as well."""
    problems, said_of = [], defaultdict[str, set[str]](set)
    first = {folded(row.appliance): (line, row) for line, row in reversed(rows)}
    for _line, row in rows:
        said_of[folded(row.appliance)].add(folded(row.plan))
    for name, (line, row) in first.items():
        item = await named(Appliance, row.appliance)
        for plan in await PaymentPlan.filter(appliance_id=item.id).order_by("id") if item else []:
            wrong = _as_it_is(plan).wrong(row.price, company.coin)
            if wrong and folded(plan.name) not in said_of[name]:
                unfit = N_("the plan {name} that is there does not fit the price: {wrong}")
                problems.append(Problem(line, Reason(unfit, name=repr(plan.name), wrong=wrong)))
    return problems


async def _write(row: ApplianceRow, company: Company) -> bool:
    """Contracts keep the terms on which they were signed: a plan may change and go."""
    known = await named(Appliance, row.appliance)
    figures = await _figures(row, known, company)
    if known:
        await _minimums_follow(known, row.price, company)
    item, changed = await _appliance(row, known)
    plan = await named(PaymentPlan, row.plan, appliance_id=item.id)
    if figures is None:
        return bool(await PaymentPlan.filter(id=plan.id).delete() if plan else 0) or changed
    if plan:
        return await renew(plan, asdict(figures)) or changed
    await PaymentPlan.create(appliance=item, name=row.plan, **asdict(figures))
    return True


async def _minimums_follow(item: Appliance, price: int, company: Company) -> None:
    """A price is for all plans of an appliance: where nobody named a least payment it goes with the price, on plans too
    of which the file says nothing, or only in a later row."""
    for plan in await PaymentPlan.filter(appliance_id=item.id):
        figures = _as_it_is(plan)
        before, after = (
            figures.usual_minimum(each, company.coin, device=item.is_device) for each in (item.price, price)
        )
        if figures.minimum == before:
            await renew(plan, {"minimum": after})


async def _appliance(row: ApplianceRow, known: Appliance | None) -> tuple[Appliance, bool]:
    """The item of the catalogue, and whether it is new or changed."""
    wanted = row.item | {"price": row.price}
    if "model" in wanted:
        model = wanted.pop("model")
        wanted["model_id"] = (
            (await find_defined(DeviceModel, model, NO_MODEL[Kind(row.type)], kind=row.type)).id if model else None
        )
    if known:
        return known, await renew(known, wanted)
    return await Appliance.create(name=row.appliance, type=row.type, **wanted), True


async def _rows(company: Company) -> AsyncIterator[Sequence[object]]:
    for plan in await PaymentPlan.all().order_by("appliance_id", "id").select_related("appliance__model"):
        item = plan.appliance
        down, day_price, minimum = (figure(each, company) for each in (plan.down, plan.day_price, plan.minimum))
        money = (down, plan.count or "", plan.period, day_price if plan.day_price else "")
        terms = (plan.name, plan.terms, *money, minimum if plan.minimum else "")
        reminders = ("" if days is None else days for days in (item.remind_before, item.remind_after))
        ticket, model = "yes" if item.overdue_ticket else "no", item.model.name if item.model else ""
        yield item.name, item.type, figure(item.price, company), *terms, *reminders, ticket, model


APPLIANCES = ImportKind(
    columns=COLUMNS,
    rows=_rows,
    optional=COLUMNS[5:],
    read=_read,
    key=lambda row: (folded(row.appliance), folded(row.plan)),
    shared=_shared,
    fits=_fits,
    together=_together,
    write=_write,
)
