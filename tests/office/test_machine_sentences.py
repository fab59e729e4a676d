"""What pages show of the machine, in the language of whoever reads: why a message failed, how gateways and phones are.
Logs and the command line stay English."""

from collections.abc import AsyncIterator, Iterator

import pytest

from bot.android.sims import NO_CREDIT
from bot.android.troubles import troubles
from bot.config import Config
from bot.gateways.errors import ERRORS, explained
from bot.routing.health import Facts, condition_of
from bot.text.i18n import catalogue
from handlers.office.frame.words import LANGUAGE, _
from models.messages import Phone, State
from models.messages.phones import Sim, write_sims
from models.people import OfficeRole, OfficeUser
from models.sql import HOUR_MS, MINUTE_MS
from tests.world.browser import Office, enqueue_message, open_office

pytestmark = pytest.mark.everyday_on_sqlite
NOW = 100 * HOUR_MS


@pytest.fixture
def french() -> Iterator[None]:
    token = LANGUAGE.set("fr")
    yield
    LANGUAGE.reset(token)


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


@pytest.mark.parametrize("language", ["sw", "fr", "pt", "ha"])
def test_each_error_is_said_in_each_language(language: str) -> None:
    assert {error.sentence for error in ERRORS.values()} <= set(catalogue(language, "office"))


def test_an_error_is_said_to_whoever_reads(french: None) -> None:
    assert explained("no balance") == "The gateway's account is empty; top it up."
    assert explained("no balance", say=_) == "Le compte de la passerelle est vide ; rechargez-le."
    late = explained("no balance", expired=True, say=_)
    assert late.endswith("rechargez-le.") and "too late" not in late
    assert explained("none of ours", say=_) == "none of ours"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts("k", paused=True), "Le bureau l'a mise en pause."),
        (Facts("phone-1", phone=True, heard_at=NOW - 2 * HOUR_MS, battery=9), "à 9 % et ne chargeait pas."),
        (Facts("k", failures=4, failed_at=NOW), "Rien n'a pu lui être remis, 4 fois de suite."),
        (Facts("k", failures=4, failed_at=NOW - HOUR_MS), "4 fois de suite. Un message l'essaie de nouveau."),
        (Facts("k", alert=ERRORS["no balance"].sentence, failed_at=NOW), "est vide ; rechargez-le."),
        (Facts("phone-1", phone=True, heard_at=NOW, stopped=NO_CREDIT), "comme quand une SIM n'a plus de crédit."),
        (Facts("k", lost_tests=2), "Les 2 derniers messages de test ne sont pas revenus."),
        (Facts("k", urgent=NOW - 6 * MINUTE_MS), "Des messages l'attendent longtemps."),
    ],
)
def test_a_gateway_s_condition_is_said_to_whoever_reads(french: None, facts: Facts, said: str) -> None:
    assert condition_of(facts, NOW, _).reason.endswith(said)
    assert condition_of(facts, NOW).reason != condition_of(facts, NOW, _).reason, "in English for the log"


def test_a_phone_s_troubles_are_said_to_whoever_reads(french: None, config: Config) -> None:
    sims = write_sims([Sim(1, phone="+255700000009", stopped=NO_CREDIT)])
    phone = Phone(id=1, name="Shop", version="1.0.0", clock_offset=7200, sims=sims, linked_at=0)
    old, clock, sim = troubles(phone, {}, config, _)
    assert old.startswith("Son application est 1.0.0") and clock == "Son horloge avance de 2 h."
    assert sim.startswith("SIM 1 : Trois messages")
    assert troubles(phone, {}, config)[1] == "Its clock is 2 h ahead."


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("/settings/gateways/try", {"gateway": "africastalking", "phone": "x"}, "Hii si namba ya simu."),
        ("/settings/gateways/try", {"gateway": "africastalking", "phone": "07"}, "Hii si namba ya simu."),
        ("/settings/gateways/try", {"gateway": "africastalking", "phone": "07123"}, "ina tarakimu chache mno."),
        (
            "/settings/receipts",
            {"name": "own", "operator": "mpesa-tz", "sender": "MPESA", "template": "You have received [amount]"},
            "Kiolezo hakina [reference]: bila hiyo hakuna malipo.",
        ),
        (
            "/settings/receipts",
            {"name": "own", "operator": "mpesa-tz", "sender": "+255710000001", "template": "x"},
            "Mtumaji ni jina ambalo maandishi hayo hutoka",
        ),
        ("/settings/receipts/off", {"name": "none such"}, "Hakuna kanuni none such."),
    ],
)
async def test_what_a_form_refuses_is_said_in_the_language_of_its_reader(
    office: Office, path: str, fields: dict[str, str], said: str
) -> None:
    await office.become(OfficeRole.OWNER)
    await OfficeUser.all().update(language="sw")
    page = "/settings/" + path.split("/")[2]
    response = await office.post(path, csrf=await office.csrf(page), **fields)
    assert response.status in (400, 422) and said in await response.text()


async def test_a_page_says_it_in_the_language_of_its_reader(office: Office) -> None:
    await office.sign_in()
    await OfficeUser.all().update(language="sw")
    await enqueue_message(office.db, State.FAILED, "bad number")
    assert "Hii si namba inayoweza kupokea SMS." in await office.page("/messages/sent")
