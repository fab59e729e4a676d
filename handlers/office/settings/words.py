"""Words that the office made commands: the list, one more, one less. They count at once on all servers."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from functools import partial

from aiohttp import web
from wtforms import SelectField

from bot.server import SERVER
from bot.talks.synonyms import Unfit, check_word, keywords_with_synonyms
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.lists import csv_address, send_csv, wants_csv
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import ALL, FORM, HELPERS, USER, Nav, office_page
from handlers.office.frame.times import moment, when
from handlers.office.frame.words import N_, _
from models.messages import keywords
from models.messages.keywords import OfficeWord, add_word, remove_word

COLUMNS = ("word", "means", "language", "by", "added")
WRONG = {
    "digits": N_("A word has no digits: it could be a PIN, an amount or a serial."),
    "form": N_("Write one word of 3 to 20 letters from A to Z."),
    "command": N_("No word can be added for this command."),
    "carrier": N_("Operators take this word for themselves."),
    "answer": N_("People answer questions with this word."),
    "courtesy": N_("People write this word around others: it would start what they do not mean."),
    "serial": N_("Serials begin with this word."),
    "many": N_("There are as many words as there may be: take one away first."),
}
DONE = {"added": N_("From now on this word works on all servers."), "removed": N_("It means nothing any more.")}
LANGUAGES = {"en": "English", "sw": "Kiswahili", "fr": "Français", "pt": "Português", "ha": "Hausa"}


class WordForm(OfficeForm):
    """A word, the command that it means, and its language."""

    word = LineField(N_("Word"), [required])
    command = SelectField(N_("It means"))
    language = SelectField(N_("Language of the word"))


def _form(request: web.Request) -> WordForm:
    server, form = request.app[SERVER], WordForm.of(request)
    form.command.choices = [(each, each) for each in keywords_with_synonyms(server.commands)]
    form.language.choices = [(each, LANGUAGES.get(each, each)) for each in server.company.languages]
    return form


@office_page("/settings/words", roles=ALL, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """All words of the office."""
    if wants_csv(request):
        return await send_csv(request, "words", COLUMNS, _rows())
    return await _draw(request, _form(request))


async def _rows() -> AsyncIterator[Sequence[object]]:
    for each in await OfficeWord.all().order_by("command", "word"):
        yield each.word, each.command, each.language, each.added_by, moment(each.added_at)


@office_page("/settings/words", "POST", roles=HELPERS, nav=Nav.SETTINGS)
async def add(request: web.Request) -> web.StreamResponse:
    """One more word."""
    server, form = request.app[SERVER], _form(request)
    if not form.validate():
        return await _draw(request, form, 422)
    await server.synonyms.look()  # another server may have learnt one a moment ago
    try:
        async with server.database.work():
            word = await check_word(form.word.data, form.command.data, server.commands)
            new = await add_word(word, form.language.data, form.command.data, actor=request[USER].name)
    except Unfit as unfit:
        sentence = _("This word means {command} already.", command=unfit.means) if unfit.means else _(WRONG[unfit.why])
        form.refuse("word", sentence)
        return await _draw(request, form, 422)
    await server.synonyms.look()
    if not new:
        form.refuse("word", _("Somebody has just added this word."))
        return await _draw(request, form, 409)
    if (back := request[FORM].get("with", "")).isdigit():
        raise redirect(f"/messages/with/{back[:15]}?done=word")
    raise redirect("/settings/words?done=added")


@office_page(r"/settings/words/{number:\d{1,18}}/remove", "POST", roles=HELPERS, nav=Nav.SETTINGS)
async def remove(request: web.Request) -> web.StreamResponse:
    """One word less."""
    server = request.app[SERVER]
    async with server.database.work():
        await remove_word(int(request.match_info["number"]), actor=request[USER].name)
    await server.synonyms.look()
    raise redirect("/settings/words?done=removed")


async def _draw(request: web.Request, form: WordForm, status: int = 200) -> web.StreamResponse:
    done = request.query.get("done", "")
    return page(
        request,
        "settings/words.html",
        status,
        form=form,
        csv=csv_address(request),
        words=await OfficeWord.all().order_by("command", "word").limit(keywords.MOST),
        back=request[FORM].get("with", "") if request.method == "POST" else "",
        languages=LANGUAGES,
        done=_(DONE[done]) if done in DONE else "",
        when=partial(when, request.app[SERVER].company, datetime.now(UTC)),
    )
