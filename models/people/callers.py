"""Who is behind a phone number."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from models.people.tables import Agent, Customer
from models.rows import read_row
from models.sql import columns_of, connection, execute, marks


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


async def find_callers(phones: list[str]) -> dict[str, Caller]:
    """Who is behind each of these numbers, in two statements however many there are."""
    callers = {phone: Caller(phone) for phone in phones}
    for row in await _rows(Agent, phones, "AND retired_at IS NULL "):
        callers[row["phone"]] = Caller(row["phone"], agent=read_row(Agent, row))
    for row in await _rows(Customer, phones):
        if callers[row["phone"]].agent is None:
            callers[row["phone"]].customers.append(read_row(Customer, row))
    return callers


async def _rows(table: type[Agent] | type[Customer], phones: list[str], also: str = "") -> list[dict[str, Any]]:
    columns, name = columns_of(table), table._meta.db_table
    return await execute(
        connection(), f"SELECT {columns} FROM {name} WHERE phone IN ({marks(len(phones))}) {also}ORDER BY id", phones
    )
