"""Single cells: amounts in the decimals of the currency, yes and no, languages, names however they are spelt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.company import Company
from bot.config import load
from bot.configured import company_of
from handlers.exchange.cells import figure, money, phone
from tests.world.csv_files import import_text
from tests.world.prompt import Run, query

pytestmark = pytest.mark.everyday_on_sqlite

COMPANIES = [company_of(load(currency=currency, coin="1", secret_key="k" * 32)) for currency in ("TZS", "UGX", "TND")]


@given(st.sampled_from(COMPANIES), st.integers(0, 99_999_999))
def test_an_amount_is_written_as_it_is_read(company: Company, minor: int) -> None:
    assert money({"price": figure(minor, company)}, "price", 0, 99_999_999, company) == minor


@pytest.mark.parametrize(
    ("currency", "said", "minor"),
    [
        ("TZS", "350.5", 35_050),
        ("TZS", "350,50", 35_050),
        ("TZS", "0.01", 1),
        ("UGX", "350", 350),
        ("TND", "1.005", 1_005),
    ],
)
def test_decimals_are_those_of_the_currency(currency: str, said: str, minor: int) -> None:
    company = next(company for company in COMPANIES if company.currency == currency)
    assert money({"price": said}, "price", 1, 1_000, company) == minor


@pytest.mark.parametrize(
    ("currency", "said"), [("TZS", "1.005"), ("UGX", "350.5"), ("UGX", "1,000"), ("TZS", "1,000.00")]
)
def test_more_decimals_are_refused(currency: str, said: str) -> None:
    company = next(company for company in COMPANIES if company.currency == currency)
    with pytest.raises(ValueError, match="price"):
        money({"price": said}, "price", 1, 1_000, company)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        *((word, True) for word in ("yes", "TRUE", "1", "Vrai", "WAHR", "verdadeiro", "ndiyo", "oui", "Sim")),
        *((word, False) for word in ("no", "False", "0", "FAUX", "falso", "FALSCH", "hapana", "Não", "")),
    ],
)
def test_yes_and_no_are_understood_in_the_words_of_spreadsheets(
    run: Run, demo_url: str, said: str, meant: bool
) -> None:
    row = f"appliance,type,price,plan,terms,overdue_ticket\nFan,goods,45000,cash,cash,{said}\n"
    assert import_text(run, "appliances", row).exit_code == 0
    [fan] = query(demo_url, "SELECT overdue_ticket FROM appliance WHERE name = 'Fan'")
    assert bool(fan["overdue_ticket"]) is meant


@pytest.mark.parametrize(
    ("country", "said", "number"),
    [
        ("KE", "712345678.0", "+254712345678"),
        ("KE", "0712345678.0", "+254712345678"),
        ("NG", "2348031234567.0", "+2348031234567"),
        ("CD", "812345678.0", "+243812345678"),
        ("SN", "77.123.45.67", "+221771234567"),
    ],
)
def test_a_number_that_was_kept_with_decimals_is_nobody_elses(country: str, said: str, number: str) -> None:
    """As programs write a column of numbers in which one is missing."""
    company = company_of(load(country=country, secret_key="k" * 32))
    assert phone({"phone": said}, "phone", company) == number


@pytest.mark.parametrize("said", ["2.55E+11", "2.54712345678E+11", "712345678,0", "7.12345678E8"])
def test_a_number_that_a_spreadsheet_has_shortened_is_none(said: str) -> None:
    company = company_of(load(country="KE", secret_key="k" * 32))
    with pytest.raises(ValueError, match="phone"):
        phone({"phone": said}, "phone", company)


@pytest.mark.parametrize(
    ("said", "code"), [("EN", "en"), ("Swahili", "sw"), ("kiswahili", "sw"), ("Français", "fr"), ("PORTUGUESE", "pt")]
)
def test_a_language_goes_by_its_code_or_its_name(run: Run, demo_url: str, said: str, code: str) -> None:
    row = f"name,surname,phone,language,mini_grid\nHalima,Omari,0754000111,{said},Lindi South\n"
    assert import_text(run, "customers", row).exit_code == 0
    assert query(demo_url, "SELECT language FROM customer WHERE name = 'Halima'") == [{"language": code}]


@pytest.mark.parametrize(
    ("kind", "rows", "table"),
    [
        ("villages", "mini_grid,village\nMTWARA  north,mtwará\nmtwara North,MTWARA\n", "village"),
        ("meter-types", "name\nTHREE phase 100a\n", "metertype"),
        ("connections", "type,group\nhousehold,RESIDENTIAL\n", "connectiontype"),
        ("tariffs", "name,unit,price\nhousehold 350,ENERGY,350\n", "tariff"),
        ("appliances", "appliance,type,price,plan,terms\nRÁDIO,Electronics,15000,CASH,Cash\n", "paymentplan"),
        ("customers", "name,surname,phone,mini_grid,village\nAMINA,juma,0710000001,mtwara north,MTWARA\n", "customer"),
    ],
)
def test_the_size_of_letters_and_accents_double_nothing(
    run: Run, demo_url: str, kind: str, rows: str, table: str
) -> None:
    count = f"SELECT (SELECT COUNT(*) FROM {table}) AS n, (SELECT COUNT(*) FROM minigrid) AS grids"
    before = query(demo_url, count)
    result = import_text(run, kind, rows.replace("\nmtwara North,MTWARA", ""))
    assert "1 rows read, 0 new or changed." in result.output, result.output
    assert query(demo_url, count) == before
    if kind == "villages":
        assert "line 3: the same as line 2" in import_text(run, kind, rows).output
