"""Transcripts: what people send and what they read, played line by line. A field officer can read them and say what is
wrong; tests/world/transcripts.py says how they are written.

Those of en/ are played in each language as well, by the same commands in its words: sw/, fr/, pt/ and ha/ hold what is
said then, and what stands there is true, whichever language one reads. `pytest --update` writes what was answered into
the files; read the difference before you keep it.
"""

from pathlib import Path

import pytest
import time_machine

from bot.config import LANGUAGES
from bot.server import Server
from tests.world.people import NOON
from tests.world.transcripts import Play

DIALOGS = Path(__file__).parent
# Words, refusals and ways that those beside them sell, book and register by as well: every day on SQLite alone.
WORDS = {
    *("bad-day-agent-sms", "bad-day-customer-sms", "buy-refused-sms", "buy-steps-sms", "buy-warnings-sms"),
    *("confirm-sms", "courtesies-sms", "customer-asks-agent-ussd", "customer-buys-refused", "customer-gets-power"),
    *("customer-learns-to-buy", "customer-sms", "customer-words", "customers-sms", "customers-ussd", "deep-dial-ussd"),
    *("help-keyword", "help-menu-language", "help-ussd", "lock-ussd", "meter-sms", "naming-sms", "not-understood"),
    *("nothing-to-confirm-sms", "pin-alone-sms", "pin-given-up-sms", "pin-slips-ussd", "pin-wrong-sms"),
    *("register-alone", "register-ussd", "resume-ussd", "shared-phone", "statement-ussd", "stock", "stranger"),
    *("tickets-answered-in-words-sms", "tickets-answered-with-fix-sms", "tickets-tired-sms", "tickets-ussd"),
    *("tired-sms", "ussd-star", "whole-units-sms", "cash-sms", "lock-sms", "pay-ussd", "pin-change", "plan-buy-ussd"),
    *("plan-sales", "register-person", "repeats-sms", "statement-sms", "customer-asks-agent-sms", "meter-debt"),
    *("debt-asked-once-sms", "forwarded-receipt-sms", "pushes-at-the-office-sms", "register-drafts", "sell-ussd"),
    *("stop-start-sms", "tickets-by-number-sms", "tickets-fixed-sms", "tickets-sms"),
}
TRANSCRIPTS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.everyday_on_sqlite] if path.stem in WORDS else [])
    for path in sorted(DIALOGS.glob("*.txt"))
]
IN_ENGLISH = sorted((DIALOGS / "en").glob("*.txt"))
# Every day each in English and one more language, so that all languages have their turn; the slow tests have the rest.
OTHERS = [language for language in LANGUAGES if language != "en"]
PLAYED = [
    pytest.param(
        english,
        language,
        id=f"{english.stem}-{language}",
        marks=[] if language in ("en", OTHERS[number % len(OTHERS)]) else [pytest.mark.slow],
    )
    for number, english in enumerate(IN_ENGLISH)
    for language in LANGUAGES
]


@pytest.mark.parametrize("path", TRANSCRIPTS)
@pytest.mark.usefixtures("references")
async def test_the_talk_goes_as_written(path: Path, mwanga: Server, request: pytest.FixtureRequest) -> None:
    await goes_as_written(path, path, mwanga, request)


@pytest.mark.everyday_on_sqlite
@pytest.mark.parametrize(("english", "language"), PLAYED)
@pytest.mark.usefixtures("references")
async def test_the_talk_goes_the_same_way_in_each_language(
    english: Path, language: str, mwanga: Server, request: pytest.FixtureRequest
) -> None:
    await goes_as_written(english, DIALOGS / language / english.name, mwanga, request, language)


async def goes_as_written(
    script: Path, path: Path, mwanga: Server, request: pytest.FixtureRequest, language: str = ""
) -> None:
    """Play what is sent in `script`, and compare with what stands in `path`."""
    written = path.read_text() if path.exists() else ""
    with time_machine.travel(NOON, tick=False) as clock:
        happened = await Play(mwanga, clock).run(script.read_text(), language)
    if request.config.getoption("--update"):
        path.write_text(happened)
    assert happened == written


def test_what_is_said_to_be_words_is_there() -> None:
    assert {path.stem for path in DIALOGS.glob("*.txt")} >= WORDS


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_has_a_transcript_that_english_has_not(language: str) -> None:
    assert sorted(path.name for path in (DIALOGS / language).iterdir()) == [path.name for path in IN_ENGLISH]
