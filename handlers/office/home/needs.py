"""What needs somebody of the office: each thing in one sentence, with what mends it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from markupsafe import Markup

from bot.android.sims import NO_CREDIT
from bot.company import Company
from bot.gateways.errors import ERRORS, explained
from bot.routing import NOWHERE, Facts, Health
from bot.server import Server
from bot.text.entry import LONGEST
from handlers.office.frame.times import age, day_name, when
from handlers.office.frame.words import N_, _, _n
from handlers.office.home.lines import Line, count_since_start
from handlers.office.home.machine import write_size
from handlers.office.home.reading import Seen
from models.clock import Doubt
from models.messages import State
from models.office import outgoing
from models.office.needs import NamedTicket, Pile
from models.office.overview import Counted, Stuck
from models.sql import DAY_MS

ALARM = 90  # percent of an agent's limit, as the agent is told
MOST = 5  # agents, or reasons of messages, that get a line each
OLD_BACKUP_MS = 2 * DAY_MS  # a nightly copy may fail once before somebody has to look
UNREAD_LATE_MS = 60_000  # a message is handled within a second
FATES = {
    State.FAILED: N_("{messages} failed{way}: {why}"),
    State.EXPIRED: N_("{messages} expired{way}: {why}"),
    State.UNCERTAIN: N_("{messages} may have gone or not{way}: {why}"),
}
WAITS = N_("{messages} cannot go out{way}: {why}")
DOUBTS = {
    Doubt.BEHIND: N_("The server's clock went back, or is behind the last sale: nothing is sold. Set the clock."),
    Doubt.AHEAD: N_("The server's clock is over a day ahead of the last sale: nothing is sold. Set the clock."),
    Doubt.CLOSED: N_(
        "A day is closed that is not over by the server's clock: nothing is sold until it is over. If the clock is"
        " behind, set it."
    ),
}


@dataclass(frozen=True, slots=True)
class Action:
    """A link or a button. It is drawn for those alone who may use it."""

    label: str
    path: str
    fields: tuple[tuple[str, str], ...] | None = None  # of the form; None for a link
    confirm: str = ""  # asked before the form is sent

    @property
    def method(self) -> str:
        return "GET" if self.fields is None else "POST"

    @property
    def page(self) -> str:
        """The path alone."""
        return self.path.partition("#")[0].partition("?")[0]


@dataclass(frozen=True, slots=True)
class Need:
    """One thing."""

    sentence: str
    actions: Sequence[Action] = ()
    details: Sequence[str] = ()


def strong(text: object) -> Markup:
    return Markup("<strong>{}</strong>").format(text)


def call(phone: str) -> Action:
    return Action(_("Call {phone}", phone=phone), f"tel:{phone}")


def _of_demo(server: Server, _seen: Seen) -> Iterator[Need]:
    if server.simulated and not server.config.on_loopback:
        yield Need(
            _(
                "This is the demo world, and others can reach it. Its passwords and PINs are published: whoever finds"
                " it can do everything here. Never use it for real customers."
            )
        )


def _of_clock(server: Server, seen: Seen) -> Iterator[Need]:
    if seen.doubt:
        right = Action(
            _("The clock is right as it is"),
            "/home/clock",
            (),
            _("Is it {time} now?", time=f"{day_name(server.company, seen.at)} {server.company.clock(seen.at)}"),
        )
        yield Need(_(DOUBTS[seen.doubt]), [] if seen.doubt is Doubt.CLOSED else [right])


def _of_books(server: Server, seen: Seen) -> Iterator[Need]:
    if seen.books and seen.books.fault:
        said = _(
            "{books}, as of {time}: {fault}",
            books=strong(_("The books do not add up")),
            time=when(server.company, seen.at, seen.books.at),
            fault=seen.books.fault,
        )
        again = _("To look again: {command}", command="mwanga check --books")
        yield Need(said, [Action(_("Add them up again"), "/money/books", ())], [again])


def _of_disk(_server: Server, seen: Seen) -> Iterator[Need]:
    if seen.machine.is_nearly_full:
        yield Need(
            _(
                "{disk}: {free} are left. Nothing can be sold on a full one.",
                disk=strong(_("The disk is nearly full")),
                free=write_size(seen.machine.free),
            )
        )


def _of_callbacks(server: Server, seen: Seen) -> Iterator[Need]:
    if wrong := _count_wrong_secrets(server):
        said = _n(
            "{n} callback came with a wrong secret since the start. Is a gateway set to an old address?",
            "{n} callbacks came with a wrong secret since the start. Is a gateway set to an old address?",
            wrong,
        )
        yield Need(said, [Action(_("See the gateways"), "/settings/gateways")])
    for refused in seen.report.refused:
        yield Need(
            _n(
                "{n} callback from {gateway} could not be read today: {why}",
                "{n} callbacks from {gateway} could not be read today: {why}",
                refused["callbacks"],
                gateway=_label(server, refused["gateway"]),
                why=refused["reason"],
            )
        )


def _of_backups(server: Server, seen: Seen) -> Iterator[Need]:
    """The demo world is worth none. A new office has it on its list of first steps."""
    if server.simulated or not seen.beginnings.first_sale or not server.database.embedded:
        return
    mend = [Action(_("Make one now"), "/settings/backup")]
    if seen.backup is None:
        yield Need(_("There is no backup: with this machine everything would be lost."), mend, [_COPY()])
    elif seen.now - seen.backup.at > OLD_BACKUP_MS:
        old = age(seen.now, seen.backup.at)
        yield Need(_("The last backup is {age} old.", age=strong(old)), mend, [_COPY()])


def _COPY() -> str:
    return _("On the server: {command}", command="mwanga backup FILE")


def _of_gateways(server: Server, seen: Seen) -> Iterator[Need]:
    for line in seen.lines:
        if line.state is Health.DOWN or (line.facts.alert and line.state is Health.PAUSED):
            yield _gateway(server.company, seen, line)


def _gateway(company: Company, seen: Seen, line: Line) -> Need:
    since = " " + _("since {time}", time=when(company, seen.at, line.down_since)) if line.down_since else ""
    said = N_("{gateway} is down{since}: {why}") if line.state is Health.DOWN else N_("{gateway} is paused: {why}")
    actions, details = [_try_again(line.facts)], []
    if line.facts.phone:
        if seen.now - line.heard_at > 15 * 60_000:  # nothing that we could try
            details.append(_("Is it charged, with the app open and its data switched on?"))
            actions = []
        elif line.facts.number:
            details.append(_("Its number is {phone}.", phone=line.facts.number))
        actions.append(Action(_("See the phone"), "/settings/phones"))
    return Need(_(said, gateway=strong(line.name), since=since, why=line.trouble), actions, details)


def _try_again(facts: Facts) -> Action:
    topped_up = facts.alert == ERRORS["no balance"].sentence or facts.stopped == NO_CREDIT
    label = _("It is topped up, try again") if topped_up else _("It is mended, try again")
    return Action(label, "/home/try-again", (("gateway", facts.name),))


def _of_agents(server: Server, seen: Seen) -> Iterator[Need]:
    company, report = server.company, seen.report
    for locked in report.locked:
        at = when(company, seen.at, locked.since)
        said = _("{agent} is locked since {time} and cannot sell.", agent=strong(locked.name), time=at)
        yield Need(said, [Action(_("See and unlock"), f"/people/agents/{locked.id}"), call(locked.phone)])
    for agent in report.guessed_at:
        said = _(
            "Many wrong PINs came with LOCK for {agent}. LOCK is shut for this agent, who goes on selling.",
            agent=strong(agent.name),
        )
        yield Need(said, [Action(_("See who sent them"), "/log"), call(agent.phone)])
    near = [each for each in report.agents if each.share >= ALARM and not each.locked]
    for each in near[:MOST]:
        held, limit = strong(company.number(each.held)), company.money(each.limit)
        if each.retired:
            said = _("{agent} sells no more and still holds {held}.", agent=strong(each.name), held=held)
        elif each.held > each.limit:
            said = _(
                "{agent} holds {held}, more than the limit of {limit}.", agent=strong(each.name), held=held, limit=limit
            )
        else:
            said = _(
                "{agent} holds {held} of {limit} and can hardly sell.", agent=strong(each.name), held=held, limit=limit
            )
        yield Need(said, [Action(_("Book cash"), f"/people/agents/{each.id}#cash"), call(each.phone)])
    if len(near) > MOST:
        more = len(near) - MOST
        said = _n("{n} more agent can hardly sell.", "{n} more agents can hardly sell.", more)
        yield Need(said, [Action(_("See the agents"), "/people/agents")])


def _of_texts_out(server: Server, seen: Seen) -> Iterator[Need]:
    report = seen.report
    if not report.outgoing:
        waiting = sum(each.messages.number for each in report.queues.values())
        said = _n(
            "Outgoing messages are switched off: {n} message waits.",
            "Outgoing messages are switched off: {n} messages wait.",
            waiting,
        )
        yield Need(said, [Action(_("Switch them on"), "/settings/switches")])
    lines = {line.facts.name: line for line in seen.lines}
    reasons = [each for each in report.stuck if report.outgoing or each.state in FATES]
    for stuck in reasons[:MOST]:
        yield _stuck(server.company, seen, stuck, lines.get(stuck.gateway))
    if left := sum(each.messages for each in reasons[MOST:]):
        said = _n("{n} more message did not go out.", "{n} more messages did not go out.", left)
        yield Need(said, [Action(_("See them"), "/messages/failed")])


def _of_texts_in(server: Server, seen: Seen) -> Iterator[Need]:
    report, messages = seen.report, seen.report.messages
    if 0 < report.unread.oldest < seen.now - UNREAD_LATE_MS:
        said = _n(
            "{n} text that came in waits to be handled, since {age}.",
            "{n} texts that came in wait to be handled, the oldest since {age}.",
            report.unread.messages.number,
            age=age(seen.now, report.unread.oldest),
        )
        yield Need(said)
    if messages.failed:
        said = _n(
            "{n} text that came in could not be handled, for a fault of ours. The sender got an apology.",
            "{n} texts that came in could not be handled, for a fault of ours. The senders got an apology.",
            messages.failed,
        )
        clock = partial(when, server.company, seen.at)
        details = [f"{one['phone']}, {clock(one['received_at'])}: {one['error']}" for one in report.broken]
        yield Need(said, [Action(_("Answer them"), "/messages")], details)
    if messages.capped:
        said = _n(
            "{n} text that came in got no answer: its sender wrote more than we answer in an hour.",
            "{n} texts that came in got no answer: their senders wrote more than we answer in an hour.",
            messages.capped,
        )
        yield Need(said, [Action(_("See them"), "/messages")])
    if messages.shortened:
        said = _n(
            "{n} text that came in had more than {most} characters and was cut.",
            "{n} texts that came in had more than {most} characters and were cut.",
            messages.shortened,
            most=f"{LONGEST:,}",
        )
        yield Need(said)


def _stuck(company: Company, seen: Seen, stuck: Stuck, line: Line | None) -> Need:
    """Messages that one gateway did not send for one reason."""
    tokens = stuck.kind == "token"
    one, many = (N_("{n} code"), N_("{n} codes")) if tokens else (N_("{n} message"), N_("{n} messages"))
    messages = strong(_n(one, many, stuck.messages))
    by = "" if stuck.gateway == NOWHERE else line.name if line else stuck.gateway
    way = " " + _("by {gateway}", gateway=by) if by else ""
    clock = partial(when, company, seen.at)
    people = ", ".join(f"{f'{one.name} {one.phone}'.strip()} ({clock(one.created_at)})" for one in stuck.examples)
    left = stuck.messages - len(stuck.examples)
    details = [
        _("To {people}.", people=people)
        if not left
        else _n(
            "To {people} and {n} more, the oldest of {time}.",
            "To {people} and {n} more, the oldest of {time}.",
            left,
            people=people,
            time=clock(stuck.oldest),
        )
    ]
    query = f"?gateway={stuck.gateway}&state={outgoing.word_for(stuck.state)}"
    lost = stuck.state in (State.FAILED, State.EXPIRED)
    actions = [Action(_("Send again"), "/messages/failed")] if lost else []
    actions.append(Action(_("See them"), f"/messages/sent{query}"))
    return Need(_(FATES.get(stuck.state, WAITS), messages=messages, way=way, why=_why(stuck, line)), actions, details)


def _why(stuck: Stuck, line: Line | None) -> str:
    if stuck.error:
        return explained(stuck.error, expired=stuck.state is State.EXPIRED, say=_)
    return (line.trouble if line else "") or _("It has not been tried yet.")


def _of_tickets(server: Server, seen: Seen) -> Iterator[Need]:
    waiting = seen.waiting
    if waiting.late.number:
        said = _n(
            "{n} ticket is late, by {age}.",
            "{n} tickets are late, the oldest by {age}.",
            waiting.late.number,
            age=age(seen.now, waiting.late.oldest),
        )
        yield Need(said, [_ticket(each) for each in waiting.first_late])
    if waiting.not_assigned.number:
        said = _n("{n} ticket is not assigned.", "{n} tickets are not assigned.", waiting.not_assigned.number)
        actions = []
        for each in waiting.first_not_assigned:
            actions += [
                _ticket(each),
                Action(_("Take {ticket}", ticket=each.number), "/home/take", (("ticket", str(each.id)),)),
            ]
        yield Need(said, actions)


def _ticket(each: NamedTicket) -> Action:
    return Action(f"{each.number} {each.customer}", f"/tickets/{each.number}")


# What waits under Money for a person: the pile by its name in `Waiting`, how it is said, and where it is decided.
PILES = (
    (
        "settlements",
        N_("{n} hand-in that was counted anew waits for a second person."),
        N_("{n} hand-ins that were counted anew wait for a second person."),
        N_("Settle"),
        "handins",
    ),
    ("voids", N_("{n} sale waits to be taken back."), N_("{n} sales wait to be taken back."), N_("Decide"), "voids"),
    (
        "write_offs",
        N_("{n} write-off waits for a second person."),
        N_("{n} write-offs wait for a second person."),
        N_("Decide"),
        "voids",
    ),
    (
        "proposals",
        N_("{n} move, transfer or payout waits for a second person."),
        N_("{n} moves, transfers or payouts wait for a second person."),
        N_("Decide"),
        "voids",
    ),
    (
        "promotions",
        N_("{n} new role or way in of who moves money waits for a second person."),
        N_("{n} new roles or ways in of who moves money wait for a second person."),
        N_("Decide"),
        "voids",
    ),
    (
        "receipts",
        N_("{n} receipt of mobile money waits for somebody to read it."),
        N_("{n} receipts of mobile money wait for somebody to read them."),
        N_("Read"),
        "receipts",
    ),
)


def _of_payments(server: Server, seen: Seen) -> Iterator[Need]:
    waiting = seen.waiting
    if not waiting.payments.number:
        return
    said = _n(
        "{n} payment is for nobody yet, since {age}.",
        "{n} payments are for nobody yet, the oldest since {age}.",
        waiting.payments.number,
        age=age(seen.now, waiting.payments.oldest),
    )
    details = [
        " ".join(filter(None, (each.reference, server.company.money(each.amount), each.payer)))
        for each in waiting.first_payments
    ]
    yield Need(said, [Action(_("Assign"), "/money/suspense")], details)


def _of_disputes(server: Server, seen: Seen) -> Iterator[Need]:
    for dispute in seen.waiting.disputes[:MOST]:
        said = _(
            "{agent} does not agree with hand-in {reference} of {amount}.",
            agent=strong(dispute.name),
            reference=dispute.reference,
            amount=server.company.money(dispute.amount),
        )
        yield Need(said, [Action(_("Settle"), "/money/handins")])


def _of_piles(_server: Server, seen: Seen) -> Iterator[Need]:
    for name, one, many, label, page in PILES:
        pile: Pile = getattr(seen.waiting, name)
        if pile.number:
            yield Need(_n(one, many, pile.number), [Action(_(label), f"/money/{page}")])


def _of_providers(_server: Server, seen: Seen) -> Iterator[Need]:
    """What providers of mobile money left open."""
    see = [Action(_("See them"), "/money/requests")]
    if seen.unknown_pushes:
        said = _n(
            "Nobody knows whether {n} request of mobile money is paid.",
            "Nobody knows whether {n} requests of mobile money are paid.",
            seen.unknown_pushes,
        )
        yield Need(said, see)
    if seen.parked_notices:
        said = _n(
            "{n} callback of mobile money could not be handled.",
            "{n} callbacks of mobile money could not be handled.",
            seen.parked_notices,
        )
        yield Need(said, see, [_("On the server: {command}", command="mwanga payments notices")])


# All that may need somebody, the gravest first.
KINDS = (
    _of_demo,
    _of_clock,
    _of_books,
    _of_disk,
    _of_backups,
    _of_callbacks,
    _of_gateways,
    _of_agents,
    _of_texts_out,
    _of_texts_in,
    _of_tickets,
    _of_payments,
    _of_disputes,
    _of_piles,
    _of_providers,
)


def list_needs(server: Server, seen: Seen) -> list[Need]:
    """All of them, the gravest first."""
    return [need for kind in KINDS for need in kind(server, seen)]


def _label(server: Server, gateway: str) -> str:
    facts = server.router.watch.facts(gateway)
    return facts.title or facts.name


def _count_wrong_secrets(server: Server) -> int:
    """Callbacks to gateways that we have with a wrong secret, since the start: they may be lost messages. (Those
    to names that we have not are strangers trying doors.)"""
    refused = server.metrics.refused
    of_strangers = count_since_start(refused, reason="secret", gateway="unknown")
    return count_since_start(refused, reason="secret") - of_strangers


def write_count(counted: Counted) -> str:
    """12,345, or 200,000+ where counting stopped."""
    return f"{counted.number:,}" + ("+" if counted.more else "")
