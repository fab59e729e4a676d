"""Dialled sessions: from a transcript to the next screen. The response is the answer, so all of it happens in the
request, inside a unit of work. A repeated turn gets the stored answer."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.company import Company
from bot.inbound.sms import Handled, learn_network
from bot.message import Copy, Reply, UssdEnd, UssdTurn
from bot.outbound import Composer
from bot.routing import Router
from bot.runtime import Purge
from bot.talks import Channel, Chat, Commands
from bot.talks.contacts import SCREENS, PhoneState
from bot.talks.listing import choose_up_to
from bot.talks.replay import TurnResult, replay
from bot.talks.state import TalkState
from bot.text import _, joined, normalise, plain, verbatim
from models.messages import MessageKind
from models.people import Caller
from models.sql import (
    DAY_MS,
    MINUTE_MS,
    connection,
    execute,
    execute_many,
    listed_rows,
    now_ms,
    on_postgres,
    unit_of_work,
)

log = logging.getLogger(__name__)
RESUME_MS = 15 * MINUTE_MS  # a dropped session can be gone on with for a quarter of an hour (reference: users 2.12)

# Of each turn its session and what was answered to it already; where it begins a session, the last one of its phone.
FIND = """WITH asked (gateway, service_code, session_id, phone, mac) AS ({})
  SELECT asked.gateway, asked.service_code, asked.session_id, s.id, s.phone, s.transcript_length, s.transcript_mac,
    s.talk, s.pin_given, s.open, t.response, last.talk AS last_talk, last.updated_at AS last_at
  FROM asked LEFT JOIN ussdsession s
    ON s.gateway = asked.gateway AND s.service_code = asked.service_code AND s.session_id = asked.session_id
  LEFT JOIN ussdturn t ON t.session_id = s.id AND t.mac = asked.mac
  LEFT JOIN ussdsession last
    ON s.id IS NULL AND last.id = (SELECT MAX(id) FROM ussdsession WHERE phone = asked.phone)"""
CREATE = """INSERT INTO ussdsession (gateway, service_code, session_id, phone, talk, transcript_length, transcript_mac,
  pin_given, open, started_at, updated_at) {} RETURNING id, gateway, service_code, session_id"""
KINDS = (*("text",) * 5, "int", "text", *("boolean",) * 2, *("bigint",) * 2)
KEEP = "INSERT INTO ussdturn (session_id, mac, response, created_at) VALUES ($1, $2, $3, $4)"
UPDATE = """UPDATE ussdsession SET transcript_mac = $2, updated_at = $4, transcript_length = $5, talk = $6,
  pin_given = $7, open = $8 WHERE id = $1"""
KEEP_AND_UPDATE = f"WITH kept AS ({KEEP}) {UPDATE}"  # in one trip to PostgreSQL
CLOSE = """UPDATE ussdsession SET open = FALSE WHERE gateway = $1 AND service_code = $2 AND session_id = $3"""
SESSION_OVER = _("This session is over. Dial again.")
_Name = tuple[str, str, str]  # of a session: its gateway, what was dialled, and its id there

# A network repeats a turn within seconds; a day is plenty.
PURGES = (
    Purge(
        "turns of dialled sessions",
        "DELETE FROM ussdturn WHERE id IN (SELECT t.id FROM ussdturn t JOIN ussdsession s ON s.id = t.session_id "
        "WHERE s.updated_at < $1 LIMIT $2) RETURNING id",
        older_than_ms=DAY_MS,
    ),
    Purge(
        "dialled sessions",
        "DELETE FROM ussdsession WHERE id IN (SELECT id FROM ussdsession s WHERE updated_at < $1 AND NOT EXISTS "
        "(SELECT 1 FROM ussdturn t WHERE t.session_id = s.id) LIMIT $2) RETURNING id",
        older_than_ms=DAY_MS,
    ),
)


@dataclass(kw_only=True)
class Session:
    """A row of the table, as it was before this turn."""

    id: int
    phone: str
    mac: str  # of this turn's transcript
    response: str = ""  # what was answered to that already
    transcript_length: int = 0  # of what was read of it so far
    transcript_mac: str = ""  # and its keyed hash
    talk: str  # its state; empty when it is over
    pin_given: bool = False
    open: bool = True
    new: bool = False  # whether it begins with this turn


@dataclass(frozen=True)
class _Answered:
    """A turn, and how its session stands then."""

    turn: UssdTurn
    session: int
    mac: str  # of the transcript
    talk: str
    pin_given: bool
    open: bool
    response: str

    @property
    def phone(self) -> str:
        return self.turn.phone


async def _write(answered: Sequence[_Answered]) -> None:
    """Keep how sessions stand, and what was answered: once for all turns of a unit of work."""
    now = now_ms()
    rows = [(a.session, a.mac, a.response, now, len(a.turn.text), a.talk, a.pin_given, a.open) for a in answered]
    if on_postgres():
        await execute_many(connection(), KEEP_AND_UPDATE, rows)
    else:
        await execute_many(connection(), KEEP, [row[:4] for row in rows])
        await execute_many(connection(), UPDATE, rows)


@dataclass(frozen=True)
class Screen:
    """The response, and what is sent by SMS beside it."""

    response: str
    handled: Handled


class Sessions:
    """Answers dialled turns, one at a time. The caller keeps turns of one phone apart."""

    def __init__(self, *, company: Company, commands: Commands, router: Router, composer: Composer) -> None:
        self._company, self._commands, self._router, self._composer = company, commands, router, composer

    async def find(self, turns: Iterable[UssdTurn]) -> dict[UssdTurn, Session]:
        """The sessions of turns that come together; those that begin are opened. Of several turns of one phone, or in
        one session, only that of the first: the next one is to see what that one was answered."""
        asked: dict[_Name, UssdTurn] = {}
        phones: set[str] = set()
        for turn in turns:
            if turn.phone not in phones and _name_of(turn) not in asked:
                asked[_name_of(turn)] = turn
                phones.add(turn.phone)
        if not asked:
            return {}
        macs = {turn: self._mac(turn, turn.text) for turn in asked.values()}
        listing, values = listed_rows(
            [(*_name_of(turn), turn.phone, macs[turn]) for turn in asked.values()], ("text",) * 5
        )
        rows = await execute(connection(), FIND.format(listing), values)
        known = {_name_in(row): row for row in rows}
        found, begun = dict[UssdTurn, Session](), dict[UssdTurn, str]()
        for name, turn in asked.items():
            row = known[name]
            if row["id"] is None:
                begun[turn] = "" if turn.text else self._find_unfinished(row)
            else:
                found[turn] = _session_of(row, macs[turn])
        return found | await _open(begun, macs) if begun else found

    async def handle(self, turn: UssdTurn, caller: Caller, contact: PhoneState, found: Session | None = None) -> Screen:
        """The screen for one turn, of which `find` may have found the session. Everything is written in the caller's
        unit of work."""
        learn_network(contact, turn.network, self._router)
        language = caller.language or contact.language or self._company.languages[0]
        unit = unit_of_work()
        answered = unit.at_end(SCREENS, _write) if unit else []
        if any(each.phone == turn.phone for each in answered):  # a turn that the network repeats at once
            await _write(answered)
            answered.clear()
        session = found or (await self.find([turn]))[turn]
        its_caller = session.phone == turn.phone  # who knows the id of a session is not the one whom it answers
        if session.response and its_caller:
            return Screen(session.response, Handled(outcome="repeated"))
        if not (session.open and its_caller):  # what was begun in it stays: the next session may go on with that
            return Screen(f"END {SESSION_OVER.to(language)}", Handled(outcome="over"))
        state, inputs, dialled = self._read_transcript(turn, session)
        chat = Chat(
            state,
            person=caller,
            contact=contact,
            company=self._company,
            commands=self._commands,
            channel=Channel.USSD,
            language=language,
            inputs=inputs,
            dialled=dialled,
            pin_given=session.pin_given,
        )
        result = await self._replay(session, chat, state, keyed=bool(inputs))
        said = plain(result.reply.text.to(chat.language), accents=self._company.accents)
        response = f"{'CON' if result.open else 'END'} {said}"
        talk = state.dump() if result.open else ""
        answered.append(_Answered(turn, session.id, session.mac, talk, chat.pin_given, result.open, response))
        if unit is None:
            await _write(answered)
        return Screen(response, self._with_copies(session, chat, result))

    async def _replay(self, session: Session, chat: Chat, state: TalkState, *, keyed: bool) -> TurnResult:
        """`keyed`: something was entered in this turn."""
        asked = state.resume
        if asked and not chat.take_resume_choice():
            unfinished = self._commands.by_name[state.running].menu or verbatim("")
            offer = _("{company}\n1. Continue: {talk}\n2. New", company=self._company.name, talk=unfinished)
            said = joined([choose_up_to(2), offer], "\n") if keyed else offer
            return TurnResult(Reply(said), open=True, outcome="resume")
        if asked and not state.answers:
            state.key = _key_of(session)  # what is begun anew is sold anew
        return await replay(chat, state)

    def _mac(self, turn: UssdTurn, transcript: str) -> str:
        return self._company.vault.mac(f"{turn.session_id}\n{transcript}", "transcript")

    def _find_unfinished(self, row: Mapping[str, Any]) -> str:
        """The talk that the last session of this phone was in when it was dropped, without its consent."""
        if not row["last_talk"] or now_ms() - row["last_at"] > RESUME_MS:
            return ""
        state = TalkState.load(row["last_talk"])
        state.forget_consent()
        if len(state.answers) < 2:  # nothing but the choice in the menu
            return ""
        unfinished = self._commands.by_name.get(state.running)
        if unfinished is None or unfinished.reads:  # an update took it away, or somebody merely looked
            return ""
        state.resume = True
        return state.dump()

    def _read_transcript(self, turn: UssdTurn, session: Session) -> tuple[TalkState, list[str], bool]:
        """The talk's state, what is new in the transcript, and whether it was dialled with the number.

        The transcript only grows: new is what stands behind what was stored, never just its last element. One
        that does not continue the stored one starts over and is read like a dialled one.
        """
        known = session.transcript_length
        if session.new:
            state = TalkState.load(session.talk) if session.talk else _new_state(session)
            state.key = _key_of(session)  # the session it goes on from may still sell under its own
            return state, _elements(turn.text), True
        same = session.transcript_mac == self._mac(turn, turn.text[:known])
        rest = turn.text[known:]
        if same and session.talk and (rest.startswith("*") or known == 0):
            return TalkState.load(session.talk), [normalise(rest.removeprefix("*"))], False
        log.warning("transcript does not continue", extra={"session": session.id})
        return _new_state(session), _elements(turn.text), True

    def _with_copies(self, session: Session, chat: Chat, result: TurnResult) -> Handled:
        """What became of the turn, with the SMS that go out beside its screen."""
        reply, also = result.reply, list(result.reply.also)
        if reply.kind is MessageKind.TOKEN:  # a screen is gone with the session: what was paid for comes by SMS too
            also.insert(0, Copy(chat.person.phone, reply.text, MessageKind.TOKEN, chat.language))
        origin = f"ussd {session.id} {session.mac[:16]}"
        outgoing = self._composer.copies(origin, also)
        return Handled(outgoing, chat.talk.name, result.outcome)


async def close(end: UssdEnd) -> None:
    """The network says that the session is gone. It can still be gone on with by dialling again."""
    await execute(connection(), CLOSE, [end.gateway, end.service_code, end.session_id])


def _name_of(turn: UssdTurn) -> _Name:
    return turn.gateway, turn.service_code, turn.session_id


def _name_in(row: Mapping[str, Any]) -> _Name:
    return row["gateway"], row["service_code"], row["session_id"]


async def _open(talks: Mapping[UssdTurn, str], macs: Mapping[UssdTurn, str]) -> dict[UssdTurn, Session]:
    """The sessions that begin with these turns, in these talks."""
    now = now_ms()
    rows = [(*_name_of(turn), turn.phone, talk, 0, "", False, True, now, now) for turn, talk in talks.items()]
    listing, values = listed_rows(rows, KINDS)
    made = await execute(connection(), CREATE.format(listing), values)
    ids = {_name_in(row): row["id"] for row in made}
    return {
        turn: Session(id=ids[_name_of(turn)], phone=turn.phone, mac=macs[turn], talk=talk, new=True)
        for turn, talk in talks.items()
    }


def _session_of(row: Mapping[str, Any], mac: str) -> Session:
    return Session(
        id=row["id"],
        phone=row["phone"],
        mac=mac,
        response=row["response"] or "",
        transcript_length=row["transcript_length"],
        transcript_mac=row["transcript_mac"],
        talk=row["talk"],
        pin_given=bool(row["pin_given"]),
        open=bool(row["open"]),
    )


def _new_state(session: Session) -> TalkState:
    return TalkState("menu", _key_of(session))


def _key_of(session: Session) -> str:
    """Names what this session sells."""
    return f"ussd {session.id}"


def _elements(transcript: str) -> list[str]:
    """The inputs of a transcript that was dialled in one go."""
    return [normalise(entered) for entered in transcript.split("*")] if transcript else []
