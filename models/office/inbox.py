"""Who wrote to us: one conversation for each person, the newest first. Each page reads a bounded number of rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from models.messages.written import TO_ANSWER, UNCLEAR
from models.people import find_callers
from models.sql import DAY_MS, connection, execute, marks, now_ms

MOST = 50  # conversations on a page
LOOK = 5_000  # texts looked at for one page, the newest
COUNT = 1_000  # texts counted for the entry of the navigation, the newest
KEPT_MS = 30 * DAY_MS  # a text that waits for longer is answered by time
LATEST = 2**62  # above any id


class Tab(StrEnum):
    """Which texts make a conversation show."""

    TO_ANSWER = "to answer"
    UNCLEAR = "not understood"
    ALL = "all"


# Conditions are those of the partial indexes; a person whose newest such text is further up stands there.
CONDITIONS = {Tab.TO_ANSWER: f"AND {TO_ANSWER}", Tab.UNCLEAR: f"AND {UNCLEAR}", Tab.ALL: ""}
NEWEST = """SELECT newest.id, newest.phone FROM (SELECT id, phone, received_at FROM inbox
    WHERE id < $1 AND sender_kind = 'number' {which} ORDER BY id DESC LIMIT $2) AS newest
  WHERE newest.received_at >= $3
    AND NOT EXISTS (SELECT 1 FROM inbox WHERE phone = newest.phone AND id > newest.id {which})
  ORDER BY newest.id DESC LIMIT $4"""
LAST_LOOKED = """SELECT MIN(id) AS id, COUNT(*) AS n FROM (SELECT id FROM inbox
  WHERE id < $1 AND sender_kind = 'number' {which} ORDER BY id DESC LIMIT $2) AS looked"""
LAST = f"""WITH who(phone) AS (VALUES {{}}) SELECT phone,
    (SELECT MAX(id) FROM outbox WHERE phone = who.phone) AS text_out,
    (SELECT COUNT(*) FROM inbox WHERE phone = who.phone AND {TO_ANSWER}) AS waiting FROM who"""
IN = "SELECT phone, text, received_at AS at, outcome FROM inbox WHERE id IN ({})"
OUT = "SELECT phone, text, created_at AS at FROM outbox WHERE id IN ({})"
WAITING = f"""SELECT COUNT(DISTINCT phone) AS people FROM (SELECT phone, received_at FROM inbox
  WHERE sender_kind = 'number' AND {TO_ANSWER} ORDER BY id DESC LIMIT {COUNT}) AS newest WHERE received_at >= $1"""


@dataclass(frozen=True, slots=True)
class Line:
    """One conversation in the list. Times are milliseconds."""

    phone: str
    name: str  # empty for somebody whom we do not know
    text: str  # of the last message, in or out
    outgoing: bool  # whether we wrote that
    at: int
    waiting: int  # texts that wait for an answer


async def count_waiting() -> int:
    """How many people wait for an answer of the office, of those who wrote last."""
    return int((await execute(connection(), WAITING, [now_ms() - KEPT_MS]))[0]["people"])


async def conversations(tab: Tab, before: int = LATEST) -> tuple[list[Line], int]:
    """The conversations of a tab whose newest text comes before this one, and before which the next page begins; 0
    when there are no more."""
    which = CONDITIONS[tab]
    since = now_ms() - KEPT_MS if tab is Tab.TO_ANSWER else 0
    values = [before, LOOK, since, MOST]
    rows = await execute(connection(), NEWEST.format(which=which), values)
    if len(rows) == MOST:
        following = int(rows[-1]["id"])
    else:
        looked = (await execute(connection(), LAST_LOOKED.format(which=which), [before, LOOK]))[0]
        following = int(looked["id"]) if looked["n"] == LOOK else 0
    return await _lines({row["phone"]: row["id"] for row in rows}, last_of_all=tab is Tab.ALL), following


async def _lines(found: Mapping[str, int], *, last_of_all: bool) -> list[Line]:
    """The lines of these phones, each with the text that makes it show, or with what was said last."""
    if not found:
        return []
    phones = list(found)
    holes = ",".join(f"(CAST(${n} AS text))" for n in range(1, len(phones) + 1))
    last = {row["phone"]: row for row in await execute(connection(), LAST.format(holes), phones)}
    newest = [row["text_out"] for row in last.values() if row["text_out"]] if last_of_all else []
    texts, answers = await _by_phone(IN, list(found.values())), await _by_phone(OUT, newest)
    callers = await find_callers(phones)
    lines = []
    for phone in phones:
        shown, answer = texts[phone], answers.get(phone)
        outgoing = answer is not None and answer["at"] >= shown["at"]
        if answer is not None and outgoing:
            shown = answer
        lines.append(Line(phone, callers[phone].name, shown["text"], outgoing, shown["at"], last[phone]["waiting"]))
    return lines


async def _by_phone(statement: str, ids: Sequence[int]) -> dict[str, dict[str, Any]]:
    if not ids:
        return {}
    rows = await execute(connection(), statement.format(marks(len(ids))), list(ids))
    return {row["phone"]: row for row in rows}
