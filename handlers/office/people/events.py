"""What happened with a person, in words: the same for customers and agents."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bot.company import Company
from bot.gateways.errors import explained
from bot.server import Server
from handlers.office.frame.named import deed
from handlers.office.frame.notes import told, told_value
from handlers.office.frame.times import moment, when
from handlers.office.frame.words import LANGUAGE, N_, _
from handlers.office.tickets.words import NAMELESS
from handlers.wording import bought
from models.messages import State
from models.office.outgoing import mask, word_for
from models.office.timeline import Event
from models.people.agents import agents_among
from models.selling import Terms
from models.selling.contracts import contract_number
from models.tickets.tickets import Step
from models.tokens import ISSUERS

IN, OUT, EVENT = "in", "out", "event"  # as the style sheet draws them
NOT_UNDERSTOOD = ("not understood", "unclear", "not answered")
STATES = {
    "queued": N_("waiting"),
    "on phone": N_("being sent"),
    "unknown": N_("may have gone or not"),
    "sent": N_("sent"),
    "delivered": N_("delivered"),
    "failed": N_("failed"),
    "expired": N_("expired"),
}
STEPS = {
    Step.OPENED: N_("reported"),
    Step.ASSIGNED: N_("given to"),
    Step.COMMENTED: N_("added"),
    Step.ASKED: N_("asked if it is fixed"),
    Step.CLOSED: N_("closed"),
    Step.REOPENED: N_("opened again"),
}
REQUESTS = {
    "new": N_("asked by phone to pay {amount}"),
    "asked": N_("asked by phone to pay {amount}"),
    "paid": N_("paid {amount} when asked by phone"),
    "failed": N_("was asked by phone to pay {amount}: did not"),
    "unknown": N_("was asked by phone to pay {amount}: nobody knows whether it was paid"),
    "expired": N_("was asked by phone to pay {amount}: no answer"),
}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One event as a page has it."""

    side: str  # IN, OUT or EVENT
    at: str
    text: str  # with stars for what is secret
    more: str = ""  # what became of it, who did it
    bad: bool = False
    path: str = ""  # where more of it is
    link: str = ""  # and what that is called


async def show_events(events: Sequence[Event], server: Server, names: Mapping[str, str]) -> list[Shown]:
    """The events in words; `names` are those of phones that the page knows, beside those of agents."""
    steps = [event.row for event in events if event.kind == "ticket"]
    agents = await agents_among({str(row[column]) for row in steps for column in _whom(row)})
    known = {actor: _(said) for actor, said in NAMELESS.items()} | {agent.phone: agent.name for agent in agents}
    known |= dict(names)
    named = [
        replace(event, row=event.row | {column: known.get(event.row[column], event.row[column]) for column in whom})
        if (whom := _whom(event.row) if event.kind == "ticket" else ())
        else event
        for event in events
    ]
    return [WORDS[event.kind](event, server) for event in named]


def _whom(step: Mapping[str, object]) -> Sequence[str]:
    """The columns of a step of a ticket that name somebody: who did it, and to whom it was given."""
    return ("actor", "text") if step["step"] == Step.ASSIGNED else ("actor",)


def _when(event: Event, company: Company) -> str:
    return when(company, datetime.now(UTC), event.ms)


def _came(event: Event, server: Server) -> Shown:
    row = event.row
    outcome = row["outcome"] or ""
    failed = row["state"] == "failed"
    understood = outcome not in NOT_UNDERSTOOD and not failed
    return Shown(
        side=IN,
        at=_when(event, server.company),
        text=mask(row["text"]) or _("(the text is not kept any more)"),
        more="" if understood else _("failed") if failed else _("not understood"),
        bad=not understood,
    )


def _went(event: Event, server: Server) -> Shown:
    row = event.row
    word, lost = word_for(row["state"]), row["state"] in (State.FAILED, State.EXPIRED)
    reason = explained(row["error"], expired=row["state"] == State.EXPIRED, say=_) if lost and row["error"] else ""
    return Shown(
        side=OUT,
        at=_when(event, server.company),
        text=mask(row["text"]) or _("(the text is not kept any more)"),
        more=" ".join(filter(None, (_(STATES.get(word, word)), reason))),
        bad=lost,
        path=f"/messages/{row['id']}",
        link=_("more"),
    )


def _dialled(event: Event, server: Server) -> Shown:
    row = event.row
    return Shown(
        side=EVENT,
        at=_when(event, server.company),
        text=_("dialled {code}", code=row["service_code"] or "USSD"),
        more=_("until {time}", time=server.company.clock(moment(int(row["updated_at"])))),
    )


def _sold(event: Event, server: Server) -> Shown:
    row, company = event.row, server.company
    what = row["serial"] or (contract_number(row["contract_id"]) if row["contract_id"] else "")
    got = bought(row["unit"], row["units"], company).to(LANGUAGE.get()) if row["units"] else ""
    if row["unit"] == "unlock":
        got = _("unlocked for good")
    code = ""
    if row["digits"]:
        code = _("code {stars}", stars=mask(ISSUERS[row["issuer"]].group(row["digits"])))
    paid = _("paid {amount} for {what}", amount=company.money(int(row["amount"])), what=what)
    who = _("to {agent}", agent=row["agent"]) if row["agent"] else _("by {provider}", provider=row["provider"])
    if row["provider"] == "cash" and not row["agent"] and row["part"] == 1:
        who = _("at the office's counter")
    text = ", ".join(filter(None, (paid, got, code)))
    more = ", ".join((who, _("ref {ref}", ref=row["reference"])))
    if row["void"] == "done":
        back = _("Taken back.")
        return Shown(side=EVENT, at=_when(event, company), text=text, more=f"{more}. {back}", bad=True)
    asked = ". " + _("Somebody asked to take it back.") if row["void"] else ""
    return Shown(side=EVENT, at=_when(event, company), text=text, more=more + asked)


def _paid(event: Event, server: Server) -> Shown:
    row, company = event.row, server.company
    amount = company.money(int(row["amount"]))
    text = _("sent {amount} by {provider}", amount=amount, provider=row["provider"])
    for_what = _("for {text}", text=row["account_text"]) if row["account_text"] else ""
    more = ", ".join(filter(None, (for_what, _("ref {ref}", ref=row["reference"]))))
    return Shown(side=EVENT, at=_when(event, company), text=text, more=more)


def _asked(event: Event, server: Server) -> Shown:
    row, company = event.row, server.company
    text = _(REQUESTS[row["state"]], amount=company.money(int(row["amount"])))
    bad = row["state"] in ("failed", "unknown", "expired")
    return Shown(side=EVENT, at=_when(event, company), text=text, more=row["provider"], bad=bad)


def _signed(event: Event, server: Server) -> Shown:
    row, company = event.row, server.company
    number = contract_number(row["id"])
    if row["terms"] == Terms.CASH:
        text = _("bought {item} for {amount}", item=row["item"], amount=company.money(int(row["price"])))
    else:
        text = _("got {item} on a plan, {number}", item=row["item"], number=number)
    return Shown(side=EVENT, at=_when(event, company), text=text)


def _ticket(event: Event, server: Server) -> Shown:
    row = event.row
    number = f"K{row['ticket_id']}"
    text = _("ticket {number} {step}", number=number, step=_(STEPS[Step(row["step"])]))
    return Shown(
        side=EVENT,
        at=_when(event, server.company),
        text=f"{text}{': ' if row['text'] else ''}{mask(row['text'])}",
        more=row["actor"],
        path=f"/tickets/{number}",
        link=number,
    )


def _changed(event: Event, server: Server) -> Shown:
    row, company = event.row, server.company
    old, new = (told_value(row["action"], row[column], company) for column in ("old", "new"))
    change = f"{old or '-'} \u2192 {new or '-'}" if old or new else ""
    said = ": ".join(filter(None, (deed(row["action"]), change, told(row["detail"], company))))
    return Shown(side=EVENT, at=_when(event, company), text=said, more=_("by {who}", who=row["actor"]))


WORDS: dict[str, Callable[[Event, Server], Shown]] = {
    "in": _came,
    "out": _went,
    "dialled": _dialled,
    "sale": _sold,
    "payment": _paid,
    "request": _asked,
    "contract": _signed,
    "ticket": _ticket,
    "change": _changed,
}
