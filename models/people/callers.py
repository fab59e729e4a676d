"""Who is behind a phone number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from models.people.tables import Agent, Customer
from models.rows import read_row
from models.sql import connection, execute, listed_rows, unit_of_work

FIND = """WITH called (phone) AS ({phones}) SELECT {columns} FROM called
  LEFT JOIN agent ON agent.phone = called.phone AND agent.retired_at IS NULL
  LEFT JOIN customer ON customer.phone = called.phone AND agent.id IS NULL {joined} ORDER BY agent.id, customer.id"""


class Role(StrEnum):
    AGENT = "agent"
    CUSTOMER = "customer"
    STRANGER = "stranger"


@dataclass(frozen=True)
class Caller:
    """Whoever a phone number belongs to: an agent, the customers who share it, or nobody we know."""

    phone: str
    agent: Agent | None = None
    customers: list[Customer] = field(default_factory=list)

    @property
    def role(self) -> Role:
        if self.agent:
            return Role.AGENT
        return Role.CUSTOMER if self.customers else Role.STRANGER

    @property
    def locked(self) -> bool:
        return self.agent is not None and self.agent.locked_at is not None

    @property
    def name(self) -> str:
        """What the office calls them: the first of several; empty for nobody whom we know."""
        if self.agent:
            return self.agent.name
        return f"{self.customers[0].name} {self.customers[0].surname}".strip() if self.customers else ""

    @property
    def language(self) -> str | None:
        if self.agent:
            return self.agent.language
        return self.customers[0].language if self.customers else None

    async def speak(self, language: str) -> None:
        """Remember the language for every record behind this number."""
        if self.agent:
            await Agent.filter(id=self.agent.id).update(language=language)
        await Customer.filter(phone=self.phone).update(language=language)


async def find_callers(phones: Sequence[str]) -> dict[str, Caller]:
    """Who is behind each of these numbers, in one statement however many there are. An agent is nobody's customer."""
    return read_callers(phones, await find_called(phones))


async def find_called(phones: Sequence[str], columns: str = "", joined: str = "") -> list[dict[str, Any]]:
    """The rows that `read_callers` reads, with these columns of what is `joined` to called.phone."""
    listing, values = listed_rows([(phone,) for phone in dict.fromkeys(phones)], ("text",))
    statement = FIND.format(columns=_columns() + columns, joined=joined, phones=listing)
    return await execute(connection(), statement, values)


def note_new_caller(phone: str) -> None:
    """Somebody with this number was registered: who looked it up before, in this unit of work, does not know."""
    if unit := unit_of_work():
        unit.seen[_new(phone)] = True


def is_new_caller(phone: str) -> bool:
    """Whether somebody with this number was registered in this unit of work."""
    unit = unit_of_work()
    return bool(unit and _new(phone) in unit.seen)


def _new(phone: str) -> tuple[str, str]:
    return "new caller", phone


def read_callers(phones: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, Caller]:
    callers = {phone: Caller(phone) for phone in phones}
    for row in rows:
        phone = row["called.phone"]
        if row["agent.id"] is not None:
            callers[phone] = Caller(phone, agent=read_row(Agent, row, "agent."))
        elif row["customer.id"] is not None:
            callers[phone].customers.append(read_row(Customer, row, "customer."))
    return callers


@cache
def _columns() -> str:
    columns = [f"agent.{column}" for column in sorted(Agent._meta.db_fields)]
    columns += [f"customer.{column}" for column in sorted(Customer._meta.db_fields)]
    return ", ".join(f'{column} AS "{column}"' for column in ["called.phone", *columns])
