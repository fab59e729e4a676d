"""The box in which somebody of the office writes to one person: what is said beside it, and what becomes of the form.
The conversation and a person's page draw it by `write_box` in templates/messages/write.html."""

from dataclasses import dataclass
from datetime import UTC, datetime

from aiohttp import web
from wtforms import TextAreaField, ValidationError

from bot.outbound import by_hand
from bot.outbound.by_hand import MOST_PARTS, SaidStop, WrittenMeanwhile, as_sent, lost_letters
from bot.routing import NOWHERE
from bot.server import SERVER, Server
from bot.text.gsm import parts
from handlers.office.frame.forms import OfficeForm, required
from handlers.office.frame.routes import FORM, USER
from handlers.office.frame.times import when
from handlers.office.frame.words import N_, _
from handlers.office.messages.numbers import number_from
from models.messages import MessageKind
from models.messages.written import Standing, standing_of
from models.settings import are_messages_off
from models.sql import now_ms


class WriteForm(OfficeForm):
    """A text to one person."""

    text = TextAreaField(N_("Text"), [required], filters=[lambda text: text.strip() if text else text])

    def validate_text(self, field: TextAreaField) -> None:
        """Raises ValidationError with what cannot be sent."""
        check_text(field.data or "")


def check_text(text: str) -> None:
    """Raises ValidationError where a text is too long, or has letters that would arrive as question marks."""
    if lost := lost_letters(text):
        raise ValidationError(_("These cannot be sent by SMS: {letters}", letters=" ".join(lost[:10])))
    if (count := parts(as_sent(text))) > MOST_PARTS:
        raise ValidationError(_("That is {count} SMS. The most is {most}.", count=count, most=MOST_PARTS))


@dataclass(frozen=True, slots=True)
class WriteBox:
    """What the box says. Where `shut` says why, nothing can be written."""

    form: WriteForm
    seen: int  # the last message that the office had written when the page was drawn
    up_to: int  # the last text that had come by then
    goes: str  # by which gateway, and when
    shut: str = ""
    problem: str = ""  # why the form was refused, beside what is said at its field


async def box_for(request: web.Request, phone: str, form: WriteForm | None = None, problem: str = "") -> WriteBox:
    """The box for this phone."""
    server = request.app[SERVER]
    await server.router.watch.look()
    standing = await standing_of(phone)
    return WriteBox(
        form=form or WriteForm(meta={"company": server.company}),
        seen=standing.last_written,
        up_to=standing.last_text,
        goes=await _goes(server, phone, standing),
        shut="" if standing.may_be_written_to(now_ms()) else said_stop(server, standing.stopped_at),
        problem=problem,
    )


async def write(request: web.Request, phone: str) -> tuple[WriteForm, str, int]:
    """Do as the form says: the form, why it was refused (empty when it is done) and the status for that."""
    server, form = request.app[SERVER], WriteForm.of(request)
    if not form.validate():
        return form, _("Please look at the text."), 422
    given = request[FORM]
    try:
        async with server.database.work():
            await by_hand.write_to(
                phone,
                form.text.data or "",
                key=f"{request[USER].id} {given.get('once', '')[:40]}",
                seen=number_from(given.get("seen", ""), 0),
                up_to=number_from(given.get("up_to", ""), 0),
                company=server.company,
                composer=server.composer,
                actor=request[USER].name,
            )
    except SaidStop as stop:
        return form, said_stop(server, stop.at), 422
    except WrittenMeanwhile as told:
        return form, _written_meanwhile(server, told.standing), 409
    server.outbox.notify()
    return form, "", 0


def said_stop(server: Server, at: int) -> str:
    """Why somebody gets nothing that was not asked for."""
    return _(
        "This person sent STOP on {day} and gets only what was asked for: tokens, receipts and answers. Please call.",
        day=when(server.company, datetime.now(UTC), at),
    )


def _written_meanwhile(server: Server, standing: Standing) -> str:
    moment = when(server.company, datetime.now(UTC), standing.written_at)
    return _(
        "{name} wrote to this person at {moment}, while you were writing. Read that first; your text is still here.",
        name=standing.written_by,
        moment=moment,
    )


async def _goes(server: Server, phone: str, standing: Standing) -> str:
    if await are_messages_off():
        return _("Outgoing messages are switched off: it waits until they are on again.")
    gateway = server.router.likely_gateway(phone, MessageKind.OFFICE)
    if gateway == NOWHERE:
        return _("No gateway may carry it now: it waits for one.")
    label = server.router.watch.facts(gateway).label
    if morning := by_hand.waits_until(server.company, standing, now_ms()):
        moment = when(server.company, datetime.now(UTC), morning)
        return _("It is night: it goes by {gateway} at {moment}.", gateway=label, moment=moment)
    return _("Goes by {gateway}.", gateway=label)
