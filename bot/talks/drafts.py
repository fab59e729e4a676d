"""Talks that were begun and not ended, kept for a week to be gone on with on any channel: replay.py keeps them,
a talk offers them before its first question."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.runtime import Purge
from bot.talks.chat import Chat
from bot.talks.state import TalkState
from bot.text import Text, _
from models.sql import DAY_MS, connection, execute, now_ms

KEPT_MS = 7 * DAY_MS
NEW = "new"
_NOT_KEPT = ("draft", "draft again", "confirm")  # what is asked anew when a draft is gone on with

FIND = """SELECT name, answers FROM draft WHERE phone = $1 AND talk = $2 AND name <> $3 AND updated_at > $4
  ORDER BY updated_at DESC, name"""
KEEP = """INSERT INTO draft (name, phone, talk, answers, updated_at) VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (name) DO UPDATE SET answers = excluded.answers, updated_at = excluded.updated_at"""
SAME = "SELECT name FROM draft WHERE phone = $1 AND talk = $2 AND answers = $3"
PURGE = Purge(
    "drafts",
    "DELETE FROM draft WHERE name IN (SELECT name FROM draft WHERE updated_at < $1 LIMIT $2) RETURNING name",
    older_than_ms=KEPT_MS,
)
DROP = "DELETE FROM draft WHERE name = $1"
MOVE = "UPDATE draft SET phone = $2 WHERE phone = $1"


async def keep(chat: Chat, state: TalkState, *, over: bool) -> None:
    """Store what was answered so far; forget it when the talk is over."""
    answers = [answer for answer in chat.own_answers if answer[0] not in _NOT_KEPT]
    if over and state.draft:
        await execute(connection(), DROP, [state.draft])
    elif answers and not over:
        values = [chat.person.phone, chat.talk.name, json.dumps(answers)]
        if not state.draft:  # the same message sent twice begins nothing twice
            same = await execute(connection(), SAME, values)
            state.draft = same[0]["name"] if same else f"{state.key} {now_ms()}"
        await execute(connection(), KEEP, [state.draft, *values, now_ms()])


async def move(phone: str, new: str) -> None:
    """Whoever had this phone has another one: what was begun goes on there, in the caller's transaction."""
    await execute(connection(), MOVE, [phone, new])


async def offer(chat: Chat, label: Callable[[Mapping[str, Any]], Text]) -> None:
    """Ask which of the drafts to go on with or to drop, where there are any and nothing was said yet. `label`
    names a draft by its answers."""
    asked = bool(chat.own_answers) and chat.own_answers[0][0] == "draft"
    if not asked and (chat.own_answers or chat.behind_keyword("draft")):
        return
    values = [chat.person.phone, chat.talk.name, chat.draft, now_ms() - KEPT_MS]
    rows = await execute(connection(), FIND, values)
    drafts = {row["name"]: json.loads(row["answers"]) for row in rows}
    if not (drafts or asked):
        return
    chat.go_step_by_step()
    chosen = await _chosen(chat, {name: label(dict(answers)) for name, answers in drafts.items()})
    if chosen == NEW:
        return
    verb, name = chosen.split(" ", 1)
    if verb == "continue":
        chat.go_on_with(drafts[name], name)
    await execute(connection(), DROP, [name])
    chat.stop(_("Deleted."))


async def _chosen(chat: Chat, labels: Mapping[str, Text]) -> str:
    """`new`, or what to do and the draft's name."""
    new = (NEW, _("New"))
    if len(labels) == 1:
        [(name, label)] = labels.items()
        go_on, drop = _verbs(name)
        return await chat.choose("draft", _("Unfinished: {draft}", draft=label), [go_on, new, drop])
    name = await chat.choose("draft", _("Unfinished"), [*labels.items(), new])
    return name if name == NEW else await chat.choose("draft again", labels[name], _verbs(name))


def _verbs(name: str) -> list[tuple[str, Text]]:
    return [(f"continue {name}", _("Continue")), (f"drop {name}", _("Delete"))]
