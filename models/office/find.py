"""The office's find box: who or what goes by a phone, a serial, a reference, a number or a name. Each statement walks
an index and stops early, so that it costs about the same at a thousand customers and at a million."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from rapidfuzz.distance import OSA

from models.customers import name_index
from models.devices import LONGEST, TAIL
from models.devices.tables import ALIKE, FOLDED
from models.selling.contracts import FIRST_NUMBER
from models.sql import connection, ending_of, execute, marks

MOST = 50  # of one kind
AGENTS = 5_000  # whose names are looked at
LONG_WORD = 5  # letters, from which on two slips are forgiven

BY_PHONE = "SELECT id, phone AS said FROM {table} WHERE {fits} ORDER BY id LIMIT {most}"
BY_SERIAL = """SELECT d.id, d.serial AS said, d.customer_id, d.retired_at, w.customer_id AS swapped_for FROM device d
  LEFT JOIN device_swap w ON w.former_id = d.id WHERE {} ORDER BY d.id LIMIT {}"""
BY_SALE = "SELECT customer_id, reference AS said FROM sale WHERE reference = $1"
BY_PAYMENT = """SELECT p.id, p.reference AS said, s.customer_id, p.agent_id FROM payment p
  LEFT JOIN sale s ON s.payment_id = p.id WHERE p.reference = $1 AND p.provider <> 'cash' ORDER BY p.id LIMIT {}"""
BY_HAND_IN = """SELECT agent_id, reference AS said FROM hand_in WHERE reference = $1
  UNION ALL SELECT agent_id, reference FROM top_up WHERE reference = $1"""
# Who works here comes before who is retired.
AGENT_NAMES = f"SELECT id, name FROM agent ORDER BY retired_at IS NOT NULL, id LIMIT {AGENTS}"


class Kind(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    TICKET = "ticket"
    PAYMENT = "payment"  # that is for nobody yet
    DEVICE = "device"  # that nobody has


class Why(StrEnum):
    """By what it was found."""

    NUMBER = "number"
    PHONE = "phone"
    PHONE_END = "phone end"
    SERIAL = "serial"
    SERIAL_END = "serial end"
    REPLACED = "replaced serial"  # of a device in whose place they have another one
    CONTRACT = "contract"
    TICKET = "ticket"
    SALE = "sale"
    PAYMENT = "payment"
    HAND_IN = "hand-in"
    NAME = "name"
    NEAR = "near name"


@dataclass(frozen=True)
class Hit:
    kind: Kind
    id: int
    why: Why
    said: str = ""  # the phone, serial or reference that fits


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was typed, as the things that it may be."""

    text: str
    phones: Sequence[str] = ()  # E.164
    digits: str = ""  # the end of a phone
    serial: str = ""
    number: int | None = None  # of a customer
    contract: int | None = None  # the number of S1042
    ticket: int | None = None
    reference: str = ""
    has_letters: bool = False
    near: bool = False  # names that are nearly so as well, though others fit


@dataclass
class Found:
    hits: list[Hit] = field(default_factory=list)
    more: bool = False  # there are others, which are not in the list

    def add(self, hits: Iterable[Hit]) -> None:
        """Each once, by what it was found first."""
        known = {(hit.kind, hit.id) for hit in self.hits}
        for hit in hits:
            if (hit.kind, hit.id) not in known:
                known.add((hit.kind, hit.id))
                self.hits.append(hit)


async def find(asked: Asked) -> Found:
    """What fits as a whole; else what ends so; else who is called so; else who is called nearly so. Letters alone may
    be a name beside what they are else."""
    found = Found()
    found.add(await _exactly(asked))
    if all(hit.why is Why.NUMBER and asked.digits for hit in found.hits):
        found.add(await _endings(asked))  # a short number may be the end of a phone as well
    if asked.has_letters and (not found.hits or asked.text.replace(" ", "").isalpha()):
        found.add(await _names(asked))
    found.more = len(found.hits) > MOST
    found.hits = found.hits[:MOST]
    return found


async def _exactly(asked: Asked) -> list[Hit]:
    hits = []
    if asked.ticket is not None and await _exists("ticket", asked.ticket):
        hits.append(Hit(Kind.TICKET, asked.ticket, Why.TICKET, f"K{asked.ticket}"))
    if asked.contract is not None:
        rows = await _ask("SELECT customer_id FROM contract WHERE id = $1", asked.contract - FIRST_NUMBER)
        hits += [Hit(Kind.CUSTOMER, int(row["customer_id"]), Why.CONTRACT, f"S{asked.contract}") for row in rows]
    if asked.number is not None and await _exists("customer", asked.number):
        hits.append(Hit(Kind.CUSTOMER, asked.number, Why.NUMBER, f"#{asked.number}"))
    if asked.phones:
        hits += await _by_phone(asked.phones)
    if asked.serial:
        hits += await _by_serial(asked.serial)
    if asked.reference:
        hits += await _by_reference(asked.reference)
    return hits


async def _exists(table: str, number: int) -> bool:
    return bool(await _ask(f"SELECT 1 FROM {table} WHERE id = $1", number))


async def _by_phone(phones: Sequence[str]) -> list[Hit]:
    return await _whose_phone(f"phone IN ({marks(len(phones))})", phones, Why.PHONE)


async def _whose_phone(fits: str, values: Sequence[object], why: Why) -> list[Hit]:
    """Agents, retired ones as well, and customers: one phone may be of several."""
    hits = []
    for kind in (Kind.AGENT, Kind.CUSTOMER):
        rows = await _ask(BY_PHONE.format(table=kind.value, fits=fits, most=MOST + 1), *values)
        hits += [Hit(kind, int(row["id"]), why, row["said"]) for row in rows]
    return hits


async def _by_serial(serial: str) -> list[Hit]:
    """By the whole serial; marks, and letters that look like digits, do not count where nothing is written just so."""
    if len(serial) > 2 * LONGEST:
        return []
    rows = await _ask(BY_SERIAL.format("d.serial = $1", 2), serial)
    if not rows:
        alike = f"{FOLDED.format(serial='d.serial')} = $1"
        rows = await _ask(BY_SERIAL.format(alike, MOST), serial.translate(ALIKE))
    return [_of_device(row, Why.SERIAL) for row in rows]


def _of_device(row: dict[str, Any], why: Why) -> Hit:
    """Whoever has the device, or has another one in its place; else the device itself."""
    if row["customer_id"] is not None:
        return Hit(Kind.CUSTOMER, int(row["customer_id"]), why, row["said"])
    if row["swapped_for"] is not None:
        return Hit(Kind.CUSTOMER, int(row["swapped_for"]), Why.REPLACED, row["said"])
    return Hit(Kind.DEVICE, int(row["id"]), why, row["said"])


async def _by_reference(reference: str) -> list[Hit]:
    rows = await _ask(BY_SALE, reference)
    hits = [Hit(Kind.CUSTOMER, int(row["customer_id"]), Why.SALE, row["said"]) for row in rows]
    for row in await _ask(BY_PAYMENT.format(MOST), reference):
        if row["customer_id"] is not None:
            hits.append(Hit(Kind.CUSTOMER, int(row["customer_id"]), Why.PAYMENT, row["said"]))
        elif row["agent_id"] is not None:
            hits.append(Hit(Kind.AGENT, int(row["agent_id"]), Why.PAYMENT, row["said"]))
        else:
            hits.append(Hit(Kind.PAYMENT, int(row["id"]), Why.PAYMENT, row["said"]))
    rows = await _ask(BY_HAND_IN, reference)
    return hits + [Hit(Kind.AGENT, int(row["agent_id"]), Why.HAND_IN, row["said"]) for row in rows]


async def _endings(asked: Asked) -> list[Hit]:
    """Whose phone or serial ends so."""
    hits = []
    if len(asked.digits) >= TAIL:
        end, whole = ending_of("phone", str(TAIL)), ending_of("phone", "$2")
        values = [asked.digits[-TAIL:], len(asked.digits), asked.digits]
        hits += await _whose_phone(f"{end} = $1 AND {whole} = $3", values, Why.PHONE_END)
    if TAIL <= len(asked.serial) <= LONGEST:
        end, whole = ending_of("d.serial", str(TAIL)), ending_of("d.serial", "$2")
        statement = BY_SERIAL.format(f"{end} = $1 AND {whole} = $3", MOST + 1)
        rows = await _ask(statement, asked.serial[-TAIL:], len(asked.serial), asked.serial)
        hits += [_of_device(row, Why.SERIAL_END) for row in rows]
    return hits


async def _names(asked: Asked) -> list[Hit]:
    agents = [(int(row["id"]), _words(row["name"])) for row in await _ask(AGENT_NAMES)]
    words = _words(asked.text)
    hits = [Hit(Kind.AGENT, number, Why.NAME) for number, name in agents if _fits(words, name)]
    hits += [Hit(Kind.CUSTOMER, each, Why.NAME) for each in await name_index.find_by_name(asked.text, MOST + 1)]
    if hits and not asked.near:
        return hits
    hits += [Hit(Kind.AGENT, number, Why.NEAR) for number, name in agents if _nearly(words, name)]
    near = await name_index.find_near_name(asked.text, MOST + 1)
    return hits + [Hit(Kind.CUSTOMER, each, Why.NEAR) for each in near]


@lru_cache(maxsize=2 * AGENTS)
def _words(name: str) -> Sequence[str]:
    """A name as it is compared. Agents are few, and looked through each time: their names are kept so."""
    return tuple(name_index.name_words({"name": name, "surname": ""}))


def _fits(words: Sequence[str], name: Sequence[str]) -> bool:
    return bool(words) and all(any(each.startswith(word) for each in name) for word in words)


def _nearly(words: Sequence[str], name: Sequence[str]) -> bool:
    def is_near(word: str, other: str) -> bool:
        return OSA.distance(word, other) <= (2 if len(word) >= LONG_WORD else 1 if len(word) > 2 else 0)

    return bool(words) and all(any(is_near(word, each) for each in name) for word in words)


async def _ask(statement: str, *values: object) -> list[dict[str, Any]]:
    return await execute(connection(), statement, values)
