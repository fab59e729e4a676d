"""What is said of a payment, at its longest, in every language: one SMS, with what matters most in it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
import time_machine

from bot.config import LANGUAGES, Config
from bot.configured import company_of
from bot.text import SCREEN, _, joined, plain, septets, verbatim
from handlers.selling.buy import _question
from handlers.selling.receipts import for_agent, for_owner, history
from handlers.wording import bought, fitting, owing, shared, tail
from models.devices import Device, Unit
from models.people import Customer
from models.selling import Contract, Due, Sale
from models.selling.booking import Sold
from models.selling.instalments import Part
from models.selling.payable import Standing, payable
from models.selling.quotes import Quote
from models.selling.sales import Code

pytestmark = pytest.mark.everyday_on_sqlite

COMPANY = company_of(Config())
MOST, ROOM = 9_999_999_00, 99_999_999_00  # in one payment; on an account
METER = Device(serial="0123456789012", issuer="sts")
SHS = Device(serial="W" * 20, issuer="openpaygo")
ENERGY_DIGITS, DAYS_DIGITS = "1" * 20, "1" * 15


@dataclass(frozen=True)
class Case:
    """One kind of payment: what for, what it bought, and what must stand in both messages."""

    device: Device | None
    unit: str
    units: int
    digits: str
    recovered: int = 0
    access: int = 0
    owed: int = 0
    due: date = date(2099, 11, 22)
    kept: tuple[str, ...] = ()


CASES = {
    "energy": Case(METER, Unit.ENERGY, 999_999, ENERGY_DIGITS, kept=("99999.9",)),
    "energy and debt": Case(
        METER, Unit.ENERGY, 999_999, ENERGY_DIGITS, 4_999_999_00, kept=("99999.9", "5,000,000", "4,999,999")
    ),
    "energy, debt and access rate": Case(
        METER,
        Unit.ENERGY,
        999_999,
        ENERGY_DIGITS,
        4_999_999_00,
        1_000_000_00,
        kept=("4,999,999", "1,000,000", "4,000,000"),
    ),
    "days": Case(SHS, Unit.DAYS, 995, DAYS_DIGITS, kept=("995",)),
    "days on a plan": Case(SHS, Unit.DAYS, 995, DAYS_DIGITS, owed=ROOM, kept=("995", "99,999,999", "22/11")),
    "the last payment": Case(SHS, Unit.UNLOCK, 0, DAYS_DIGITS),
    "goods": Case(None, "", 0, "", owed=ROOM, kept=("S99999", "99,999,999", "22/11")),
    "goods, all overdue": Case(
        None, "", 0, "", owed=ROOM, due=date(2025, 11, 22), kept=("S99999", "99,999,999", "22/11")
    ),
    "days, all overdue": Case(
        SHS, Unit.DAYS, 995, DAYS_DIGITS, owed=ROOM, due=date(2025, 11, 22), kept=("995", "99,999,999", "22/11")
    ),
    "the last of goods": Case(None, "", 0, "", kept=("S99999",)),
}


def sold(case: Case, language: str, credit: tuple[int, int] = (0, 0)) -> Sold:
    sale = Sale(
        reference="WWWWW", amount=MOST, unit=case.unit, units=case.units, recovered=case.recovered,
        access=case.access, owed=case.owed, created_at=datetime(2026, 11, 22, tzinfo=UTC),
        credit_before=credit[0], credit_after=credit[1],
    )  # fmt: skip
    customer = Customer(name="W" * 30, surname="W", phone="+255710000002", language=language)
    contract = cast(Contract, SimpleNamespace(number="S99999", appliance=SimpleNamespace(name="W" * 60)))
    dues = [Due(number, 98_999, number, case.due, ROOM // 10, ROOM // 10) for number in range(10 if case.owed else 0)]
    on_contract = contract if case.device is not METER and case.kept != ("995",) else None
    return Sold(
        sale=sale, customer=customer, paid_for=payable(case.device, contract), contract=on_contract,
        digits=case.digits, held=ROOM, limit=ROOM, commission_due=MOST, paid_until=None, rest=dues,
    )  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_both_receipts_are_one_sms_and_keep_what_matters(case: Case, language: str) -> None:
    done = sold(case, language)
    seller, owner = for_agent(done, COMPANY, language).to(language), for_owner(done, COMPANY).to(language)
    for said in (seller, owner):
        assert plain(said) == said
        assert septets(said) <= SCREEN, (septets(said), said)
        assert all(words in said for words in (*case.kept, "TZS 9,999,999", " WWWWW.")), said
        assert case.digits in said.replace(" ", ""), said
    assert tail(done.paid_for.name) in seller


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("credit", [(0, MOST), (MOST, 0), (MOST, 999_999_00)], ids=["kept", "used", "both"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_credit_is_told_to_both_and_fits(case: Case, credit: tuple[int, int], language: str) -> None:
    done = sold(case, language, credit)
    seller, owner = for_agent(done, COMPANY, language).to(language), for_owner(done, COMPANY).to(language)
    kept = _("Credit {credit}", credit=COMPANY.number(credit[1])).to(language)
    for said in (seller, owner):
        assert plain(said) == said
        assert septets(said) <= SCREEN, (septets(said), said)
        assert "TZS 9,999,999" in said and " WWWWW." in said, said
        assert case.digits in said.replace(" ", ""), said
        assert (f"\n{kept}\n" in said) == bool(credit[1]), said


STANDING = {"unit": Unit.DAYS, "units": 995, "bought": MOST}
ASKED = {
    "days": STANDING,
    "energy": {"unit": Unit.ENERGY, "units": 999_999, "bought": MOST},
    "shared": {"unit": Unit.ENERGY, "units": 999_999, "bought": 4_000_000_00, "access": 999_999_00, "parts": True},
    "on a plan": {"unit": Unit.DAYS, "units": 995, "parts": True, "owed": ROOM},
    "goods": {"parts": True, "owed": ROOM},
    "the last of goods": {"parts": True},
    "the last": {"unit": Unit.UNLOCK, "parts": True},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("credit", [0, MOST - 100], ids=["none", "some"])
@pytest.mark.parametrize("case", ASKED.values(), ids=ASKED)
def test_the_question_fits_with_its_answer_and_says_what_stays(
    case: dict[str, Any], credit: int, language: str
) -> None:
    contract = cast(Contract, SimpleNamespace(number="S99999", appliance=SimpleNamespace(name="W" * 60)))
    device = None if "unit" not in case else METER if case["unit"] is Unit.ENERGY else SHS
    standing = Standing(
        paid_for=payable(device, contract), customer=Customer(name="W" * 30, surname="W"),
        contract=contract if "parts" in case and "access" not in case else None,
        owed=(), today=date(2026, 11, 22), credit=credit,
    )  # fmt: skip
    part = Part(Due(1, 1, 1, date(2026, 11, 22), MOST, MOST), 4_999_999_00)
    quote = Quote(standing, MOST, **{**case, "parts": (part,) if "parts" in case else ()})
    chat = cast(Any, SimpleNamespace(company=COMPANY, language=language))
    question = _question(quote, standing.paid_for, chat)
    said = joined([question, _("Reply 1 and your PIN, 2 for no.")]).to(language)
    assert septets(said) <= SCREEN, (septets(said), said)
    assert "TZS 9,999,999" in said and standing.paid_for.name[-4:] in said
    assert not quote.owed or "99,999,999" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_of_tokens_is_one_sms_with_the_newest_in_it(language: str) -> None:
    sales = [sold(CASES[case], language).sale for case in ("the last payment", "days", "days")]
    digits = [DAYS_DIGITS, "2" * 15, "2" * 15]
    pairs = zip(sales, digits, strict=True)
    codes = [Code(one.created_at, one.amount, one.unit, one.units, code) for one, code in pairs]
    said = history(SHS, codes, COMPANY, language).to(language)
    assert septets(said) <= SCREEN, said
    assert DAYS_DIGITS in said.replace(" ", "")


def test_what_would_stand_in_for_a_text_that_fits_is_never_made() -> None:
    long, short, shorter = verbatim("long " * 40), _("Ref {ref}.", ref="1"), _("Ref {ref}.", ref="2")
    candidates = iter([long, short, shorter])
    assert fitting("fr", candidates).to("en") == short.to("fr")
    assert [*candidates] == [shorter]


def test_what_stands_behind_a_text_counts_and_the_last_one_stays() -> None:
    long, short = verbatim("l" * 155), verbatim("s" * 150)
    assert fitting("en", [long, short]).to("en") == "l" * 155
    assert fitting("en", [long, short], behind=verbatim("123456")).to("en") == "s" * 150
    assert fitting("en", [long, short], behind=verbatim("0123456789")).to("en") == "s" * 150


@pytest.mark.parametrize(
    ("energy", "access", "debt", "words"),
    [
        (3_700_00, 300_00, 1_000_00, "10.6 kWh for 3,700, access rate 300, debt 1,000"),
        (4_000_00, 0, 1_000_00, "10.6 kWh for 4,000, debt 1,000"),
        (4_700_00, 300_00, 0, "10.6 kWh for 4,700, access rate 300"),
    ],
)
def test_what_a_payment_is_shared_out_to_stands_on_one_line(energy: int, access: int, debt: int, words: str) -> None:
    assert shared(bought(Unit.ENERGY, 106, COMPANY), energy, access, debt, COMPANY).to("en") == words


def test_what_is_left_names_the_next_instalment() -> None:
    dues = [Due(1, 1, 1, date(2026, 12, 1), 12_800, 5_600), Due(2, 1, 2, date(2026, 12, 8), 12_800, 12_800)]
    with time_machine.travel(datetime(2026, 12, 1, 12, tzinfo=UTC)):
        assert owing(18_400, dues, COMPANY).to("en") == "Owed 184. Pay 56 by 1/12"
    with time_machine.travel(datetime(2026, 12, 2, 12, tzinfo=UTC)):
        assert owing(18_400, dues, COMPANY).to("en") == "Owed 184. Overdue 56 since 1/12"
    with time_machine.travel(datetime(2027, 1, 9, 12, tzinfo=UTC)):
        assert owing(18_400, dues, COMPANY).to("en") == "Owed 184. Overdue 184 since 1/12"
