"""The page at `/settings/texts`: a sentence of a text in the office's own words, by the rules of the catalogue."""

from dataclasses import dataclass
from itertools import islice

from aiohttp import web

from bot.server import SERVER
from bot.text import plain, septets
from bot.text.gsm import straight
from bot.text.i18n import catalogued, list_english
from bot.text.rewording import find_mistake, find_sentences
from handlers.office.frame.page import HEADERS, page, redirect
from handlers.office.frame.routes import FORM, OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.words import _
from models.settings import ChangedMeanwhile, change_text, read_texts

MOST = 30  # sentences on one page
LONGEST = 400  # letters that are read of a form


@dataclass(frozen=True)
class Sentence:
    """One sentence in one language."""

    english: str
    usual: str  # as the catalogue says it
    said: str  # as the office says it; empty where it does not
    room: int  # letters that it may have

    @property
    def place(self) -> int:
        """Its number among all sentences, for links."""
        return list_english().index(self.english)


@office_page("/settings/texts", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """Sentences with the words that are looked for, and those that the office says otherwise."""
    language = _language(request, request.query.get("language", ""))
    words = request.query.get("q", "").strip()[:100]
    otherwise = (await read_texts()).get(language, {})
    menus = _menu_lines(request)
    known = set(list_english())  # a version that words a sentence anew leaves the office's own to no sentence
    kept = (each for each in otherwise if each in known)
    found = (each for each in find_sentences(words, language) if each not in menus) if words else kept
    some = list(islice(found, MOST + 1))
    return page(
        request,
        "settings/texts.html",
        tongue=language,
        languages=request.app[SERVER].company.languages,
        words=words,
        sentences=[_sentence(language, each, otherwise.get(each, "")) for each in some[:MOST]],
        more=len(some) > MOST,
    )


@office_page(r"/settings/texts/{language:[a-z]{2}}/{number:\d{1,5}}", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def show_one(request: web.Request) -> web.StreamResponse:
    """One sentence, to be said otherwise."""
    return await _draw(request, None)


@office_page(r"/settings/texts/{language:[a-z]{2}}/{number:\d{1,5}}", "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def change(request: web.Request) -> web.StreamResponse:
    """Say it so from now on, or as the catalogue does."""
    language, english = _which(request)
    server, form = request.app[SERVER], request[FORM]
    said = "" if form.get("back") else " ".join(form.get("said", "")[:LONGEST].split(" ")).strip().replace("\r\n", "\n")
    said = straight(said)
    usual = catalogued(language, english)
    said = "" if said == usual else said
    if said and (mistake := find_mistake(language, english, said)):
        return await _draw(request, said, 422, problem=mistake.to(_))
    try:
        async with server.database.work():
            await change_text(
                *(language, english, said),
                before=usual,
                seen=form.get("seen", "").replace("\r\n", "\n")[:LONGEST],  # as forms send the end of a line
                actor=request[USER].name,
            )
    except ChangedMeanwhile:
        problem = _("Somebody else has changed this sentence meanwhile. What you typed is still here.")
        return await _draw(request, said or usual, 409, problem=problem)
    await server.settings.refresh()
    raise redirect(f"/settings/texts?language={language}&done=saved")


def _language(request: web.Request, asked: str) -> str:
    languages = request.app[SERVER].company.languages
    return asked if asked in languages else languages[0]


def _which(request: web.Request) -> tuple[str, str]:
    """The language and the English of the sentence in the address. Raises HTTPNotFound."""
    language, number = request.match_info["language"], int(request.match_info["number"])
    sentences = list_english()
    if language not in request.app[SERVER].company.languages or number >= len(sentences):
        raise web.HTTPNotFound(text=_("There is no such sentence.") + "\n", headers=HEADERS)
    if sentences[number] in _menu_lines(request):
        said = _("A line of the menu teaches the word of its command, and stays as it is.")
        raise web.HTTPNotFound(text=f"{said}\n", headers=HEADERS)
    return language, sentences[number]


def _menu_lines(request: web.Request) -> set[str]:
    talks = request.app[SERVER].commands.by_name.values()
    return {talk.menu.english for talk in talks if talk.menu is not None}


def _sentence(language: str, english: str, said: str) -> Sentence:
    usual = catalogued(language, english)
    return Sentence(english, usual, said, septets(usual))


async def _draw(request: web.Request, typed: str | None, status: int = 200, *, problem: str = "") -> web.StreamResponse:
    language, english = _which(request)
    said = (await read_texts()).get(language, {}).get(english, "")
    sentence = _sentence(language, english, said)
    shown = sentence.said or sentence.usual if typed is None else typed
    return page(
        request,
        "settings/text.html",
        status,
        tongue=language,
        sentence=sentence,
        typed=shown,
        letters=septets(plain(shown)),
        problem=problem,
    )
