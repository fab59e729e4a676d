"""Write to many: whom and what, a look at it before it goes, and then how far it is, with a result for each person."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web
from wtforms import BooleanField, SelectField, TextAreaField, ValidationError

from bot.server import SERVER, Server
from bot.text.gaps import wrong_gaps
from handlers.office.frame.forms import LineField, OfficeForm
from handlers.office.frame.lists import (
    PORTION,
    before_of,
    by_portions,
    csv_address,
    older_address,
    send_csv,
    wants_csv,
)
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import ALL, FORM, OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.times import moment, when
from handlers.office.frame.words import N_, _
from handlers.office.messages.numbers import number_from
from handlers.office.messages.preview import Preview, preview
from handlers.office.messages.tabs import tabs
from handlers.office.messages.write_box import check_text
from models.messages.broadcasts import Result, create_broadcast, stop_broadcast
from models.office import written_to_many as written
from models.office.audience import Audience, choices

ASK_FROM = 20  # people; for more the number has to be typed before it goes
MOST_PEOPLE = 2_000_000_000  # that a form may name
LANGUAGES = {"en": "English", "sw": "Kiswahili", "fr": "Français", "pt": "Português", "ha": "Hausa"}
RESULTS = {
    Result.QUEUED: N_("on its way"),
    Result.SENT: N_("sent"),
    Result.DELIVERED: N_("delivered"),
    Result.FAILED: N_("failed"),
    Result.CANCELLED: N_("stopped by the office"),
    Result.STOP: N_("said STOP"),
    Result.NO_PHONE: N_("has no phone"),
    Result.SHARED: N_("shares a phone with another one of them"),
    Result.NO_TEXT: N_("a gap could not be filled"),
    Result.NO_GATEWAY: N_("no gateway may carry it"),
}
WRITTEN = ("number", "written", "by", "state", "people", "text")
COLUMNS = ("customer", "name", "surname", "phone", "language", "result", "sent", "delivered", "parts", "cost")
STATES = {"going": N_("Going out"), "stopped": N_("Stopped"), "done": N_("Handed over to the gateways")}


class ManyForm(OfficeForm):
    """Whom, and what: a text for each language of the company is added by `_form`."""

    mini_grid = SelectField(N_("Mini-grid"), default="")
    village = SelectField(N_("Village"), default="")
    connection = SelectField(N_("Kind of connection"), default="")
    late = BooleanField(N_("Only who is overdue"))
    tag = SelectField(N_("Tag"), default="")
    language = SelectField(N_("Language"), default="")
    typed = LineField(N_("How many people?"))

    @property
    def texts(self) -> dict[str, str]:
        """What was written, by language; the company's first language first."""
        written_in = {name[5:]: field.data or "" for name, field in self._fields.items() if name.startswith("text_")}
        return {language: text.strip() for language, text in written_in.items() if text.strip()}

    @property
    def audience(self) -> Audience:
        """Who was chosen."""
        return Audience(
            mini_grid=int(self.mini_grid.data or 0),
            village=int(self.village.data or 0),
            connection=int(self.connection.data or 0),
            late=self.late.data,
            tag=self.tag.data or "",
            language=self.language.data or "",
        )


def _check(form: ManyForm, field: TextAreaField) -> None:
    """A validator of one text."""
    text = field.data or ""
    if wrong := wrong_gaps(text):
        raise ValidationError(
            _("{wrong} is no gap. There are {gaps}.", wrong=" ".join(wrong), gaps="{name} {serial} {owed}")
        )
    check_text(text)


async def _form(request: web.Request) -> ManyForm:
    """The form with what was sent, and the choices that there are."""
    company, found = request.app[SERVER].company, await choices()
    texts = {
        f"text_{language}": TextAreaField(LANGUAGES.get(language, language), [_check]) for language in company.languages
    }
    made: type[ManyForm] = type("ManyForm", (ManyForm,), texts)
    form = made.of(request)
    everybody, grids = ("", _("All")), [(str(row["id"]), row["name"]) for row in found["mini_grids"]]
    form.mini_grid.choices = [everybody, *grids]
    form.village.choices = [
        everybody,
        *(
            (str(row["id"]), f"{row['name']}, {row['grid']}" if len(grids) > 1 else row["name"])
            for row in found["villages"]
        ),
    ]
    form.connection.choices = [everybody, *((str(row["id"]), row["name"]) for row in found["connections"])]
    form.tag.choices = [everybody, *((row["tag"], row["tag"]) for row in found["tags"])]
    form.language.choices = [everybody, *((each, LANGUAGES.get(each, each)) for each in company.languages)]
    return form


@office_page("/write", roles=ALL, nav=Nav.MESSAGES)
async def begin(request: web.Request) -> web.StreamResponse:
    """The form, and what was written before."""
    if wants_csv(request):
        return await send_csv(request, "written-to-many", WRITTEN, _written())
    return await _draw_form(request, await _form(request))


@office_page("/write", "POST", roles=OWNER_ONLY, nav=Nav.MESSAGES)
async def look(request: web.Request) -> web.StreamResponse:
    """What it will mean, before it goes; or the form again, to change it."""
    form = await _form(request)
    if request[FORM].get("change"):
        return await _draw_form(request, form)
    if not _is_whole(form):
        return await _draw_form(request, form, 422)
    return await _draw_preview(request, form, await preview(request.app[SERVER], form.audience, form.texts))


@office_page("/write/send", "POST", roles=OWNER_ONLY, nav=Nav.MESSAGES)
async def send(request: web.Request) -> web.StreamResponse:
    """Begin. The people are counted once more: who pressed Send meant so many as were shown. Where there are too many
    to count, each count is another estimate, and the one that was shown stands."""
    server, form = request.app[SERVER], await _form(request)
    if not _is_whole(form):
        return await _draw_form(request, form, 422)
    counted = await preview(server, form.audience, form.texts)
    if not _is_sendable(counted):
        return await _draw_preview(request, form, counted, 422)
    shown = number_from(request[FORM].get("people", ""), -1)
    if 0 <= shown <= MOST_PEOPLE and (request[FORM].get("estimated") or not counted.all_counted):
        counted = replace(counted, people=shown, all_counted=False)
    if shown != counted.people:
        problem = _("Meanwhile they are {people} people. Please look again.", people=f"{counted.people:,}")
        return await _draw_preview(request, form, counted, 409, problem)
    typed = "".join(filter(str.isdigit, form.typed.data or ""))
    if _asks(counted) and typed != str(counted.people):
        form.refuse("typed", _("Please type {people}, the number of people.", people=counted.people))
        return await _draw_preview(request, form, counted, 422)
    async with server.database.work():
        number = await create_broadcast(
            f"{request[USER].id} {request[FORM].get('once', '')[:40]}",
            form.audience.dump(),
            json.dumps(form.texts, ensure_ascii=False),
            people=counted.people,
            parts=counted.parts,
            actor=request[USER].name,
        )
    server.broadcasts.notify()
    raise redirect(f"/write/{number}")


@office_page(r"/write/{number:\d{1,18}}", roles=ALL, nav=Nav.MESSAGES)
async def show(request: web.Request) -> web.StreamResponse:
    """How far one is, with the people; `?result=` chooses, `?before=` goes on."""
    server, row = request.app[SERVER], await _one(request)
    result = request.query.get("result", "") if request.query.get("result", "") in set(Result) else ""
    if wants_csv(request):
        rows = _receivers(row["id"], result)
        return await send_csv(request, f"broadcast-{row['id']}", COLUMNS, (_cells(each) async for each in rows))
    listed = await written.receivers(row["id"], before_of(request) or written.LATEST, result)
    results = await written.results_of(row["id"])
    return page(
        request,
        "messages/many_one.html",
        row=row,
        texts=json.loads(row["texts"]),
        audience=await _in_words(Audience.load(row["audience"])),
        state=STATES[row["state"]],
        results=[(one.value, words, results[one.value]) for one, words in RESULTS.items() if results.get(one.value)],
        words={one.value: words for one, words in RESULTS.items()},
        counted=sum(results.values()),
        people=listed.rows,
        looked=listed.looked,
        older=older_address(request, listed.next) if listed.next else "",
        csv=csv_address(request),
        chosen=result,
        stoppable=row["state"] == "going" or (row["state"] == "done" and Result.QUEUED.value in results),
        night=row["state"] == "going" and server.company.until_morning(_now()),
        stuck=row["state"] == "going" and not server.broadcasts.carriers(),
        languages=LANGUAGES,
        when=_when(server),
    )


@office_page(r"/write/{number:\d{1,18}}/stop", "POST", roles=OWNER_ONLY, nav=Nav.MESSAGES)
async def stop(request: web.Request) -> web.StreamResponse:
    """Write to nobody else, and take back what waits."""
    row = await _one(request)
    async with request.app[SERVER].database.work():
        await stop_broadcast(row["id"], actor=request[USER].name)
    raise redirect(f"/write/{row['id']}")


async def _receivers(number: int, result: str) -> AsyncIterator[dict[str, Any]]:
    """All people of one result, for the file."""
    before = written.LATEST
    while before:
        listed = await written.receivers(number, before, result, most=PORTION)
        for row in listed.rows:
            yield row
        before = listed.next


def _cells(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        *(row["customer"], row["name"], row["surname"], row["phone"], row["language"]),
        RESULTS[Result(row["said"])],
        moment(row["sent_at"]) if row["sent_at"] else None,
        moment(row["delivered_at"]) if row["delivered_at"] else None,
        *(row["parts"], row["cost"]),
    )


async def _one(request: web.Request) -> dict[str, Any]:
    row = await written.one(int(request.match_info["number"]))
    if row is None:
        raise web.HTTPNotFound(text=_("There is no such message.") + "\n", headers=HEADERS)
    return row


def _is_whole(form: ManyForm) -> bool:
    """Whether the form can be sent: the fields say why not."""
    whole = bool(form.validate())
    if whole and not form.texts:
        first = next(name for name in form._fields if name.startswith("text_"))
        form.refuse(first, _("Please write a text, in one language at least."))
        return False
    return whole


def _is_sendable(found: Preview) -> bool:
    """Whether it may go: behind the customers who were counted there may be some who get it."""
    return bool(found.gateways and (found.messages or not found.is_exact))


def _asks(found: Preview) -> bool:
    """Whether the number of people has to be typed: also of an estimate, which may be too low."""
    return found.people > ASK_FROM or not found.all_counted


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def _when(server: Server) -> "partial[str]":
    return partial(when, server.company, datetime.now(UTC))


async def _written() -> AsyncIterator[Sequence[object]]:
    """All that was written to many, the newest first, each in its first language."""
    rows = by_portions(lambda last: written.newest(last["id"] if last else written.LATEST))
    async for row in rows:
        text = next(iter(json.loads(row["texts"]).values()))
        yield row["id"], moment(row["created_at"]), row["author"], row["state"], row["people"], text


async def _draw_form(request: web.Request, form: ManyForm, status: int = 200) -> web.StreamResponse:
    server = request.app[SERVER]
    return page(
        request,
        "messages/many.html",
        status,
        form=form,
        texts=[field for name, field in form._fields.items() if name.startswith("text_")],
        before=[row | {"text": next(iter(json.loads(row["texts"]).values()))} for row in await written.newest()],
        states=STATES,
        csv=f"{request.path}?csv=1",
        tabs=tabs(request),
        carried=server.broadcasts.carriers() != [],
        when=_when(server),
    )


async def _draw_preview(
    request: web.Request, form: ManyForm, found: Preview, status: int = 200, problem: str = ""
) -> web.StreamResponse:
    server = request.app[SERVER]
    if not found.gateways:
        problem = _(
            "No gateway may carry it. Gateway phones write to many only where a rule of the configuration lets them: "
            'class = "broadcast", gateways = ["phones"].'
        )
    elif not _is_sendable(found):
        problem = _("Nobody would get it.")
    return page(
        request,
        "messages/many_preview.html",
        status,
        form=form,
        given=[(name, value) for name, value in request[FORM].items() if name in form._fields and name != "typed"],
        found=found,
        audience=await _in_words(form.audience),
        texts=form.texts,
        languages=LANGUAGES,
        problem=problem,
        sendable=_is_sendable(found),
        ask=_asks(found),
        when=_when(server),
    )


async def _in_words(audience: Audience) -> list[str]:
    """Who was chosen, in words."""
    found = await choices()
    names = {key: {row["id"]: row["name"] for row in found[key]} for key in ("mini_grids", "villages", "connections")}
    said = [
        names["mini_grids"].get(audience.mini_grid, ""),
        names["villages"].get(audience.village, ""),
        names["connections"].get(audience.connection, ""),
        _("who is overdue") if audience.late else "",
        _("tag {tag}", tag=audience.tag) if audience.tag else "",
        LANGUAGES.get(audience.language, audience.language),
    ]
    return [each for each in said if each] or [_("all customers")]
