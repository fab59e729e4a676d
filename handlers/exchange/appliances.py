"""The catalogue as rows, one for each plan that agents may offer; and what was sold from it."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.gsm import plain, septets
from bot.site import Site
from handlers.exchange.records import pages
from handlers.exchange.sheet import Imported, Kind, Row, needed, whole
from models.appliances import FIRST_NUMBER, Appliance, PaymentPlan, Terms, Type
from models.devices import DeviceModel
from models.instalments import Period

MOST = 9_999_999  # whole units of currency: what every sentence is measured with
LONGEST_ITEM, LONGEST_PLAN = 20, 14  # septets: what a sentence and a command of one SMS have room for
MOST_INSTALMENTS = 260  # five years of weeks
WITHDRAWN = "none"  # instead of terms: this plan is not offered any more
SHARED = ("type", "model", "price", "remind_before", "remind_after", "overdue_ticket")  # by all rows of an appliance


@dataclass(frozen=True)
class ApplianceRow:
    """`down`, `price`, `day_price` and `minimum` are whole units of currency. Reminders are days; None: never."""

    appliance: str
    type: str
    model: str
    price: int
    plan: str
    terms: str
    down: int
    count: int
    period: str
    day_price: int
    minimum: int
    remind_before: int | None
    remind_after: int | None
    overdue_ticket: bool


COLUMNS = (
    *("appliance", "type", "price", "plan", "terms", "down", "count", "period", "day_price", "minimum"),
    *("remind_before", "remind_after", "overdue_ticket", "model"),
)


def _short(row: Row, column: str, longest: int) -> str:
    text = " ".join(needed(row, column).split())
    if "," in text or not any(map(str.isalpha, text)) or septets(plain(text)) > longest:
        raise ValueError(f"{column} has a comma, no letter, or more than {longest} characters: {text[:40]!r}")
    return text


def _one_of(row: Row, column: str, choices: Sequence[str], default: str = "") -> str:
    text = (row.get(column) or default).lower()
    if text not in choices:
        raise ValueError(f"{column} is none of {', '.join(choices)}: {text[:20]!r}")
    return text


def _down(row: Row, price: int) -> int:
    """An amount, or a percentage of the price that is rounded down to a whole one."""
    text = row.get("down", "")
    if share := re.fullmatch(r"(\d{1,3})\s?%", text):
        if int(share[1]) > 100:
            raise ValueError(f"down is more than 100 %: {text!r}")
        return price * int(share[1]) // 100
    return whole(row, "down", 0, price, 0)


def _days(row: Row, column: str) -> int | None:
    return whole(row, column, 0, 365) if row.get(column) else None


def _read(row: Row, _site: Site) -> ApplianceRow:
    type_, price = _one_of(row, "type", list(Type)), whole(row, "price", 1, MOST)
    terms = _one_of(row, "terms", [*Terms, WITHDRAWN])
    instalments, service = terms == Terms.INSTALMENTS, terms == Terms.SERVICE
    if service and type_ not in (Type.SHS, Type.EBIKE):
        raise ValueError("a service needs a device that stops: type shs or ebike")
    if row.get("model") and type_ not in (Type.SHS, Type.EBIKE):
        raise ValueError("model is for devices alone: type shs or ebike")
    down = _down(row, price) if instalments or service else 0
    if instalments and down == price:
        raise ValueError("down is the whole price: write the terms cash")
    return ApplianceRow(
        appliance=_short(row, "appliance", LONGEST_ITEM),
        type=type_,
        model=row.get("model", ""),
        price=price,
        plan=_short(row, "plan", LONGEST_PLAN),
        terms=terms,
        down=down,
        count=whole(row, "count", 1, min(MOST_INSTALMENTS, price - down)) if instalments else 0,
        period=_one_of(row, "period", list(Period), "" if instalments else Period.WEEKLY),
        day_price=whole(row, "day_price", 1, price) if service else 0,
        minimum=whole(row, "minimum", 1, price, 1),
        remind_before=_days(row, "remind_before"),
        remind_after=_days(row, "remind_after"),
        overdue_ticket=_one_of(row, "overdue_ticket", ["yes", "no"], "no") == "yes",
    )


def _shared(row: ApplianceRow) -> tuple[object, object]:
    return row.appliance.casefold(), tuple(getattr(row, column) for column in SHARED)


async def _fits(row: ApplianceRow) -> None:
    known = await Appliance.filter(name__iexact=row.appliance).first()
    if known and known.name != row.appliance:
        raise ValueError(f"{row.appliance!r} is written {known.name!r}")
    if known and known.type != row.type:
        raise ValueError(f"{row.appliance!r} is of another type already: give the new one another name")
    if row.model and not await DeviceModel.exists(name=row.model, kind=row.type):
        raise ValueError(f"there is no model of a {row.type} called {row.model[:40]!r}")


async def _write(row: ApplianceRow, site: Site) -> bool:
    """Contracts keep the terms on which they were signed: a plan may change and go."""
    appliance, changed = await _appliance(row, site)
    plans = PaymentPlan.filter(appliance_id=appliance.id, name=row.plan)
    if row.terms == WITHDRAWN:
        return bool(await plans.delete()) or changed
    minor = 10**site.exponent
    money = {column: getattr(row, column) * minor for column in ("down", "day_price", "minimum")}
    wanted: dict[str, Any] = {"terms": row.terms, "count": row.count, "period": row.period, **money}
    known = await plans.first()
    if known is None:
        await PaymentPlan.create(appliance=appliance, name=row.plan, **wanted)
        return True
    if all(getattr(known, name) == value for name, value in wanted.items()):
        return changed
    await plans.update(**wanted)
    return True


async def _appliance(row: ApplianceRow, site: Site) -> tuple[Appliance, bool]:
    """The item of the catalogue, and whether it is new or changed."""
    model = await DeviceModel.get(name=row.model) if row.model else None
    wanted: dict[str, Any] = {
        "price": row.price * 10**site.exponent,
        "model_id": model.id if model else None,
        "remind_before": row.remind_before,
        "remind_after": row.remind_after,
        "overdue_ticket": row.overdue_ticket,
    }
    known = await Appliance.get_or_none(name=row.appliance)
    if known is None:
        return await Appliance.create(name=row.appliance, type=row.type, **wanted), True
    if all(getattr(known, name) == value for name, value in wanted.items()):
        return known, False
    await Appliance.filter(id=known.id).update(**wanted)
    return known, True


async def _rows(site: Site) -> AsyncIterator[Sequence[object]]:
    minor = 10**site.exponent
    for plan in await PaymentPlan.all().order_by("appliance_id", "id").select_related("appliance__model"):
        item = plan.appliance
        money = (plan.down // minor, plan.count or "", plan.period, plan.day_price // minor or "")
        terms = (plan.name, plan.terms, *money, max(plan.minimum // minor, 1))
        reminders = ("" if days is None else days for days in (item.remind_before, item.remind_after))
        ticket, model = "yes" if item.overdue_ticket else "no", item.model.name if item.model else ""
        yield item.name, item.type, item.price // minor, *terms, *reminders, ticket, model


CONTRACTS_SQL = """SELECT k.id, k.sold_on, g.phone AS agent, c.id AS customer, c.name, c.surname, c.phone,
  i.name AS appliance, d.serial, k.terms, k.price, k.down, k.period, k.day_price, k.minimum, k.commission, k.ended_on,
  (SELECT COUNT(*) FROM instalment p WHERE p.contract_id = k.id) AS count,
  (SELECT COALESCE(SUM(p.amount - p.paid), 0) FROM instalment p WHERE p.contract_id = k.id) AS owed,
  (SELECT MIN(p.due_on) FROM instalment p WHERE p.contract_id = k.id AND p.paid < p.amount) AS next_due
  FROM contract k JOIN agent g ON g.id = k.agent_id JOIN customer c ON c.id = k.customer_id
  JOIN appliance i ON i.id = k.appliance_id LEFT JOIN device d ON d.id = k.device_id
  WHERE k.id > $1 ORDER BY k.id LIMIT $2"""
MONEY = ("price", "down", "owed", "day_price", "minimum", "commission")


async def _contracts(site: Site) -> AsyncIterator[Sequence[object]]:
    async for row in pages(CONTRACTS_SQL):
        row |= {name: site.number(int(row[name])).replace(",", "") for name in MONEY}
        yield f"S{FIRST_NUMBER + row['id']}", *(row[name] for name in CONTRACTS.columns[1:])


APPLIANCES = Imported(
    COLUMNS,
    _rows,
    COLUMNS[5:],
    lambda row: (row.appliance.casefold(), row.plan.casefold()),
    _read,
    _fits,
    _write,
    _shared,
)
CONTRACTS = Kind(
    (
        *("number", "sold_on", "agent", "customer", "name", "surname", "phone", "appliance", "serial", "terms"),
        *("price", "down", "count", "period", "day_price", "minimum", "owed", "next_due", "ended_on", "commission"),
    ),
    _contracts,
)
