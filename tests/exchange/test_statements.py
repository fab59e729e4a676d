"""Statements of providers and banks: their columns are found, each line is kept once, and what it is is booked once."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from typer.testing import Result

from bot.text.i18n import Reason
from handlers.exchange.statements import read_amount, read_time
from models.money.ledger import AccountKind, balance
from models.money.providers import provider_id
from models.money.receiving import Incoming, Source, receive
from tests.world.prompt import Run, do_in_one_work, query

pytestmark = pytest.mark.everyday_on_sqlite
PORTAL = (
    "Receipt No.,Completion Time,Initiation Time,Details,Transaction Status,Paid In,Withdrawn,Balance,"
    "Balance Confirmed,Reason Type,Other Party Info,Linked Transaction ID,A/C No.\n"
)
SAFARICOM = f"""Organization Name,Mwanga Demo
Short Code,600000
Time Period,From 26-11-2026 To 27-11-2026

{PORTAL}TKQ5AB12CD,26-11-2026 10:15:32,26-11-2026 10:15:30,Pay Bill from 2547****123 - JANE DOE Acc. SHS0283,\
Completed,"5,000.00",,"5,000.00",true,Pay Bill Online,2547****123 - JANE DOE,,SHS0283
TKQ5AB12CD,26-11-2026 10:15:32,26-11-2026 10:15:32,Pay Bill Charge,Completed,,-55.00,"4,945.00",true,Pay Bill Charge,,,
TKQ6XY77ZZ,26-11-2026 11:00:00,26-11-2026 11:00:00,Pay Bill from 2547****456 - PETER PAN Acc. 9999,Failed,300.00,,,\
false,Pay Bill Online,2547****456 - PETER PAN,,9999
TKR1MM90PQ,27-11-2026 17:00:00,27-11-2026 17:00:00,Organization Settlement Account to Bank,Completed,,"-4,945.00",0.00,\
true,Organization Settlement of Funds,,,
Total,,,,,"5,000.00","-5,000.00",
"""
VODACOM = """Organisation: Mwanga Demo;;;;;;;;
Receipt No.;Completion Time;Details;Transaction Status;Currency;Paid In;Withdrawn;Balance;Reason Type;Opposite Party
DKQ71ABC123;2026-11-26 10:15:32;Customer Payment;Completed;TZS;5000.00;;5000.00;Pay Bill;255710000002 - BARAKA PETER
DKQ71ABC124;2026-11-27 18:00:00;Merchant to Bank;Completed;TZS;;5000.00;0.00;Settlement;
"""
MTN = """Id,External id,Date,Status,Type,From,From name,To,To name,Amount,Fee,Balance,Currency
20000000001,04123456784,2026-11-26 10:15:32,Successful,Payment,FRI:255710000001/MSISDN,Amina Juma,FRI:mwanga,Mwanga,\
5000,50,4950,TZS
20000000002,,2026-11-26 11:00:00,Failed,Payment,FRI:255710000001/MSISDN,Amina Juma,FRI:mwanga,Mwanga,900,0,4950,TZS
20000000003,,2026-11-27 09:00:00,Successful,Transfer to bank,FRI:mwanga,Mwanga,FRI:bank,Bank,-4950,0,0,TZS
"""
BANK = """Mwanga Demo Ltd
Account statement 26 Nov 2026 to 28 Nov 2026

Date\tDescription\tReference\tDebit\tCredit\tBalance
26/11/2026\tBalance brought forward\t\t\t\t0.00
27/11/2026\tTransfer from mobile money\tFT26331AB\t\t4,945.00\t4,945.00
28/11/2026\tCash deposit Mtwara\tCD0099\t\t70,000.00\t74,945.00
28/11/2026\tAccount fee\t\t500.00\t\t74,445.00
28/11/2026\tRent\tCHQ 12\t20,000.00\t\t54,445.00
"""
LINES = "SELECT reference, direction, amount, at, payer, account_text, settled FROM statement_line ORDER BY id"


def read(run: Run, text: str, provider: str, *words: str) -> Result:
    """Import a statement with this text."""
    Path("statement.csv").write_text(text)
    return run("import", "statement", "statement.csv", "--provider", provider, "--new", *words)


def lines(url: str) -> list[tuple[object, ...]]:
    return [
        (row["reference"], row["direction"], row["amount"] // 100, str(row["at"])[:19], row["settled"])
        for row in query(url, LINES)
    ]


def books(url: str, provider: str) -> tuple[int, int, int, int]:
    """What the provider has of ours, the bank, the office's cash, and fees, in whole units."""

    async def work() -> tuple[int, int, int, int]:
        held = await balance(AccountKind.CLEARING, await provider_id(provider))
        rest = [await balance(kind, 0) for kind in (AccountKind.BANK, AccountKind.OFFICE, AccountKind.FEES)]
        held, bank, office, fees = [one // 100 for one in (held, *rest)]
        return held, bank, office, fees

    return do_in_one_work(url, work)  # type: ignore[no-any-return]


def pay(url: str, provider: str, reference: str, amount: int = 5_000, at: str = "2026-11-26 07:15:32") -> None:
    """A callback tells of a payment."""

    async def work() -> None:
        paid_at = datetime.fromisoformat(at).replace(tzinfo=UTC)
        told = Incoming(
            source=Source.CALLBACK, provider=provider, reference=reference, amount=amount * 100, paid_at=paid_at,
        )  # fmt: skip
        await receive(told)

    do_in_one_work(url, work)


@pytest.mark.parametrize(
    ("text", "provider", "found"),
    [
        (
            SAFARICOM,
            "daraja",
            [
                ("TKQ5AB12CD", "in", 5_000, "2026-11-26 07:15:32", ""),
                ("TKQ5AB12CD", "fee", 55, "2026-11-26 07:15:32", "fee"),
                ("TKR1MM90PQ", "out", 4_945, "2026-11-27 14:00:00", "payout"),
            ],
        ),
        (
            VODACOM,
            "vodacom",
            [
                ("DKQ71ABC123", "in", 5_000, "2026-11-26 07:15:32", ""),
                ("DKQ71ABC124", "out", 5_000, "2026-11-27 15:00:00", "payout"),
            ],
        ),
        (
            MTN,
            "mtn",
            [
                ("20000000001", "in", 5_000, "2026-11-26 07:15:32", ""),
                ("20000000001", "fee", 50, "2026-11-26 07:15:32", "fee"),
                ("20000000003", "out", 4_950, "2026-11-27 06:00:00", "payout"),
            ],
        ),
    ],
    ids=["Safaricom", "Vodacom", "MTN"],
)
def test_a_providers_statement_is_read_whatever_its_columns_are_called(
    run: Run, demo_url: str, text: str, provider: str, found: list[tuple[object, ...]]
) -> None:
    result = read(run, text, provider)
    assert result.exit_code == 0, result.output
    assert lines(demo_url) == found
    again = read(run, text, provider)
    assert ", 0 new or changed." in again.output
    assert lines(demo_url) == found


def test_who_paid_and_what_for_is_read(run: Run, demo_url: str) -> None:
    read(run, SAFARICOM, "daraja")
    read(run, MTN, "mtn")
    payers = [(row["payer"], row["account_text"]) for row in query(demo_url, LINES) if row["direction"] == "in"]
    assert payers == [("2547****123 - JANE DOE", "SHS0283"), ("255710000001 - Amina Juma", "04123456784")]


def test_what_is_left_out_is_said(run: Run) -> None:
    said = read(run, SAFARICOM, "daraja").output
    assert "line 8: 'Failed': left out" in said
    assert "line 10: no time, as with a total: left out" in said
    assert "5 rows read, 3 new or changed." in said
    assert "See how it fits: mwanga reconcile show --provider daraja" in said


def test_a_banks_statement_is_read_and_a_line_without_reference_has_one_of_its_own(run: Run, demo_url: str) -> None:
    assert read(run, BANK, "bank").exit_code == 0
    found = lines(demo_url)
    assert [(one[0], *one[1:3], one[4]) for one in found if not str(one[0]).startswith("NOREF")] == [
        ("FT26331AB", "in", 4_945, ""),
        ("CD0099", "in", 70_000, ""),
        ("CHQ12", "out", 20_000, ""),
    ]
    assert [one[1:] for one in found if str(one[0]).startswith("NOREF")] == [("fee", 500, "2026-11-27 21:00:00", "fee")]
    assert "0 new or changed" in read(run, BANK, "bank").output


def test_clearing_returns_to_zero_when_all_is_reconciled(run: Run, demo_url: str) -> None:
    """A payment, its fee, and the payout; the bank's statement shows the same payout, and books nothing again."""
    pay(demo_url, "daraja", "TKQ5AB12CD")
    assert books(demo_url, "daraja") == (5_000, 0, 0, 0)
    read(run, SAFARICOM, "daraja")
    assert books(demo_url, "daraja") == (0, 4_945, 0, 55)
    read(run, BANK, "bank")
    assert books(demo_url, "daraja") == (0, 4_445, 0, 555)
    arrived = "SELECT b.reference AS bank, l.reference AS left_at FROM statement_line b JOIN statement_line l"
    assert query(demo_url, f"{arrived} ON l.id = b.pair_id") == [{"bank": "FT26331AB", "left_at": "TKR1MM90PQ"}]


def test_a_payout_is_booked_once_whichever_statement_comes_first(run: Run, demo_url: str) -> None:
    pay(demo_url, "daraja", "TKQ5AB12CD")
    read(run, BANK, "bank")
    read(run, SAFARICOM, "daraja")
    assert books(demo_url, "daraja") == (0, 4_445, 0, 555)


def test_the_three_sorts_are_shown_with_what_mends_each(run: Run, demo_url: str) -> None:
    pay(demo_url, "daraja", "TKQ9AA11BB", at="2026-11-26 09:00:00")
    pay(demo_url, "daraja", "TKZ9AA11BB", at="2026-11-28 09:00:00")  # after the statement's last line
    read(run, SAFARICOM, "daraja")
    said = run("reconcile", "show", "--provider", "daraja").output
    assert said.splitlines() == [
        "daraja: TZS 5,000 by the books.",
        "  Matched: 0, TZS 0",
        "  Fee: 1, TZS 55",
        "  Payout: 1, TZS 4,945",
        "  Money without sale: 1, TZS 5,000",
        "    2026-11-26 10:15 TKQ5AB12CD: 5,000 from 2547****123 - JANE DOE for SHS0283",
        "      mwanga reconcile take TKQ5AB12CD --provider daraja",
        "  Money that waits: 2, TZS 10,000",
        "    2026-11-26 12:00 TKQ9AA11BB: 5,000",
        "      mwanga payments assign TKQ9AA11BB ACCOUNT --by NAME",
        "    2026-11-28 12:00 TKZ9AA11BB: 5,000",
        "      mwanga payments assign TKZ9AA11BB ACCOUNT --by NAME",
        "  Sale without money: 1, TZS 5,000",
        "    2026-11-26 12:00 TKQ9AA11BB: 5,000",
        "      mwanga reconcile never TKQ9AA11BB --provider daraja --why WORDS",
    ]


def test_a_payment_that_never_came_is_taken_out_of_the_books(run: Run, demo_url: str) -> None:
    pay(demo_url, "daraja", "TKQ9AA11BB", at="2026-11-26 09:00:00")
    pay(demo_url, "daraja", "TKZ9AA11BB", at="2026-11-28 09:00:00")
    words = "--provider", "daraja", "--why", "a forged text"
    early = run("reconcile", "never", "TKQ9AA11BB", *words)
    assert early.output == "Nothing was booked. No statement that was read says that TKQ9AA11BB never came.\n"
    read(run, SAFARICOM, "daraja")
    assert run("reconcile", "never", "TKZ9AA11BB", *words).exit_code == 1, "the statement ends before it"
    done = run("reconcile", "never", "tkq9 aa11bb", *words)
    assert done.output == "TKQ9AA11BB, TZS 5,000, is out of the books: a forged text\n"
    assert run("reconcile", "never", "TKQ9AA11BB", *words).exit_code == 1
    said = run("reconcile", "show", "--provider", "daraja").output
    assert "TKQ9AA11BB" not in said and said.startswith("daraja: TZS 0 by the books.")
    late = PORTAL + "TKQ9AA11BB,26-11-2026 12:00:00,,Pay Bill,Completed,5000,,,,,,,\n"
    assert read(run, late, "daraja").exit_code == 0, "it came after all"
    said = run("reconcile", "show", "--provider", "daraja").output
    assert said.startswith("daraja: TZS 5,000 by the books.") and "TKQ9AA11BB: 5,000 (nobody)" in said


def test_a_line_is_taken_once_for_a_payment(run: Run, demo_url: str) -> None:
    read(run, SAFARICOM, "daraja")
    taken = run("reconcile", "take", "tkq5 ab12cd", "--by", "Rehema Kito")
    assert taken.exit_code == 0, taken.output
    assert taken.output == "TZS 5,000, daraja TKQ5AB12CD: booked.\n1 SMS will go out.\n"
    [sale] = query(
        demo_url, "SELECT s.unit, s.units, s.amount, d.serial FROM sale s JOIN device d ON d.id = s.device_id"
    )
    assert tuple(sale.values()) == ("days", 5, 500_000, "SHS0283"), "as if the callback had told of it"
    assert books(demo_url, "daraja") == (0, 4_945, 0, 55)
    [payment] = query(demo_url, "SELECT provider, payer_phone, payer_name, account_text FROM payment")
    assert tuple(payment.values()) == ("daraja", "2547****123", "JANE DOE", "SHS0283")
    again = run("reconcile", "take", "TKQ5AB12CD")
    assert again.exit_code == 1 and "Nothing was booked. TKQ5AB12CD is settled already." in again.output
    pay(demo_url, "daraja", "TKQ5AB12CD")  # the callback comes at last
    assert books(demo_url, "daraja") == (0, 4_945, 0, 55)


def test_a_payment_that_comes_after_its_line_is_matched(run: Run, demo_url: str) -> None:
    read(run, SAFARICOM, "daraja")
    pay(demo_url, "daraja", "TKQ5AB12CD")
    assert "Matched: 1, TZS 5,000" in run("reconcile", "show", "--provider", "daraja").output
    assert [row["source"] for row in query(demo_url, "SELECT source FROM evidence ORDER BY id")] == [
        "callback",
        "statement",
    ]


def test_another_amount_than_the_callbacks_is_shown(run: Run, demo_url: str) -> None:
    pay(demo_url, "daraja", "TKQ5AB12CD", amount=500)
    read(run, SAFARICOM, "daraja")
    said = run("reconcile", "show", "--provider", "daraja").output
    assert "    2026-11-26 10:15 TKQ5AB12CD: 5,000 on the statement, 500 in the books" in said


def test_cash_that_is_brought_to_the_bank_and_rent_are_settled(run: Run, demo_url: str) -> None:
    read(run, BANK, "bank")
    assert run("reconcile", "deposit", "CD0099").output == (
        "TZS 70,000 booked from the office's cash to the bank, CD0099.\n"
    )
    assert run("reconcile", "leave", "CHQ 12", "--why", "rent of the shop").exit_code == 0
    assert books(demo_url, "daraja")[1:] == (69_500, -70_000, 500)
    said = run("reconcile", "show", "--provider", "bank").output
    assert "  Deposit: 1, TZS 70,000\n" in said and "  Left out: 1, TZS 20,000\n" in said
    wrong = run("reconcile", "payout", "FT26331AB", "--provider", "bank").output
    assert wrong == "Nothing was booked. FT26331AB is no money that a provider paid out.\n"


def test_money_that_went_back_is_taken_from_the_payment_that_waits(run: Run, demo_url: str) -> None:
    pay(demo_url, "daraja", "TKQ5AB12CD")
    back = "TKS1RR00AA,28-11-2026 09:00:00,,Reversal of TKQ5AB12CD,Completed,,-5000.00,0,true,Reversal,,TKQ5AB12CD,\n"
    read(run, PORTAL + back, "daraja")
    assert [line[4] for line in lines(demo_url)] == [""], "a reversal is no payout"
    done = run("reconcile", "back", "TKS1RR00AA", "--payment", "TKQ5AB12CD")
    assert done.output == "TZS 5,000 of TKQ5AB12CD booked as given back, TKS1RR00AA.\n"
    assert books(demo_url, "daraja") == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,price\nA,5\n", "line 1: no line names a time and what was paid in, withdrawn, or the amount."),
        (f"{PORTAL}A1,soon,,x,Completed,5,,,,,,,\n", "line 2: this is no day or time: 'soon'"),
        (f"{PORTAL}A1,11/28/2026,,x,Completed,5,,,,,,,\n", "the day comes before the month: '11/28/2026'"),
        (f"{PORTAL}A1,28/11/2026,,x,Completed,five,,,,,,,\n", "line 2: paid in is no amount: 'five'"),
        (f"{PORTAL}A1,28/11/2026,,x,Completed,5,,,,,,,\nA1,28/11/2026,,x,Completed,5,,,,,,,\n", "the same as line 2"),
        (f"{PORTAL}A1,28/11/2026,,x,Completed,5,,,,,,,,more\n", "another number of fields than the header"),
    ],
)
def test_what_cannot_be_read_is_named_and_nothing_is_kept(run: Run, demo_url: str, text: str, said: str) -> None:
    result = read(run, text, "daraja")
    assert result.exit_code == 1 and said in result.output
    assert lines(demo_url) == []


def test_the_same_line_with_another_amount_is_refused(run: Run, demo_url: str) -> None:
    read(run, SAFARICOM, "daraja")
    other = SAFARICOM.replace('Completed,"5,000.00"', 'Completed,"6,000.00"')
    result = read(run, other, "daraja")
    assert result.exit_code == 1 and "line 6: TKQ5AB12CD is there with another amount" in result.output


PLAIN = "Date,Description,Reference,Debit,Credit,Balance\n"


def test_a_charge_and_the_tax_on_it_are_two_lines_of_one_reference(run: Run, demo_url: str) -> None:
    taxed = (
        f"{PLAIN}26/11/2026,Rent of the shop,FT1,500,,9495\n26/11/2026,Transfer charge,FT1,5,,9490\n"
        "26/11/2026,Excise duty,FT1,1,,9489\n26/11/2026,VAT,FT1,2,,9487\n"
    )
    found = [("FT1", "out", 500), ("FT1", "fee", 5), ("FT1/2", "fee", 1), ("FT1/2", "out", 2)]
    for _time in range(2):
        assert read(run, taxed, "bank").exit_code == 0
        assert [line[:3] for line in lines(demo_url)] == found
    assert books(demo_url, "bank")[3] == 6
    twice = read(run, taxed + "26/11/2026,Excise duty,FT1,1,,9489\n", "bank")
    assert twice.exit_code == 1 and "line 6: the same as line 4" in twice.output
    assert run("reconcile", "leave", "ft1/2", "--why", "tax").exit_code == 0


def test_a_reference_that_comes_back_another_month_is_no_line_that_is_there(run: Run, demo_url: str) -> None:
    """It would be taken for the same, and lost."""
    assert read(run, f"{PLAIN}26/10/2026,Rent,RENT,500,,\n", "bank").exit_code == 0
    assert ", 0 new or changed." in read(run, f"{PLAIN}28/10/2026,Rent,RENT,500,,\n", "bank").output
    result = read(run, f"{PLAIN}26/11/2026,Rent,RENT,500,,\n", "bank")
    said = "line 2: RENT is there already, of 2026-10-26: give this line another reference in the file"
    assert result.exit_code == 1 and said in result.output
    assert read(run, f"{PLAIN}26/11/2026,Rent,RENT NOV,500,,\n", "bank").exit_code == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "Date,Reference,Amount,DR/CR\n26/11/2026,R1,500.00,CR\n26/11/2026,R2,300.00,DR\n",
            [("R1", "in", 500), ("R2", "out", 300)],
        ),
        (
            "Date,Reference,Type,Amount\n26/11/2026,R1,Credit,500\n26/11/2026,R2,Debit,300\n26/11/2026,R3,Debit,-2\n",
            [("R1", "in", 500), ("R2", "out", 300), ("R3", "out", 2)],
        ),
        (
            f"{PLAIN}26/11/2026,Deposit,R1,,500,\n26/11/2026,Deposit taken back,R1,,-500,\n26/11/2026,x,R2,-5,0.00,\n",
            [("R1", "in", 500), ("R1", "out", 500), ("R2", "out", 5)],
        ),
        (
            f"{PLAIN}26/11/2026,Paid to ADA OBI,R1,500,,\n26/11/2026,Ada ya huduma,R2,3,,\n",
            [("R1", "out", 500), ("R2", "fee", 3)],
        ),
        (
            "Date,Reference,Status,Amount\n26/11/2026,R1,Not completed,5\n26/11/2026,R2,Not Successful,5\n"
            "26/11/2026,R3,SUCCESS_REVERSED,5\n26/11/2026,R4,Success,5\n26/11/2026,R5,Succès,5\n"
            "26/11/2026,R6,Concluída,5\n26/11/2026,R7,Échoué,5\n"
            "26/11/2026,R8,Non effectué,5\n26/11/2026,R9,Não concluída,5\n26/11/2026,R10,Succès annulé,5\n",
            [("R4", "in", 5), ("R5", "in", 5), ("R6", "in", 5)],
        ),
    ],
    ids=["side", "type", "taken back", "a name", "not done"],
)
def test_what_came_and_what_went_is_told_apart(
    run: Run, demo_url: str, text: str, found: list[tuple[object, ...]]
) -> None:
    result = read(run, text, "bank")
    assert result.exit_code == 0, result.output
    assert [line[:3] for line in lines(demo_url)] == found


def test_what_parts_the_cells_is_found_whatever_stands_above_them(run: Run, demo_url: str) -> None:
    text = 'Mwanga Demo Ltd\n"Date";"Reference";"Debit";"Credit"\n"26/11/2026";"R1";"";"5,00"\n"Total";"";"";"5,00"\n'
    result = read(run, text, "bank")
    assert result.exit_code == 0 and "line 4: no time, as with a total: left out" in result.output, result.output
    assert [line[:3] for line in lines(demo_url)] == [("R1", "in", 5)]


@pytest.mark.usefixtures("one_moment")
def test_a_statement_of_days_covers_none_that_is_not_over(run: Run, demo_url: str) -> None:
    """A payment of this afternoon is on no statement of this noon."""
    today = datetime.now(ZoneInfo("Africa/Dar_es_Salaam")).date()
    read(run, f"{PLAIN}{today - timedelta(days=1):%d/%m/%Y},x,R1,,5,\n{today:%d/%m/%Y},x,R2,,5,\n", "bank")
    [span] = query(demo_url, "SELECT ends_at FROM statement_file")
    ends = datetime.combine(today, time(), ZoneInfo("Africa/Dar_es_Salaam")).astimezone(UTC)
    assert str(span["ends_at"])[:19] == str(ends)[:19]


def test_a_dry_run_keeps_nothing_and_a_slip_in_the_name_is_no_new_provider(run: Run, demo_url: str) -> None:
    assert "5 rows read, all in order. Nothing was written." in read(run, SAFARICOM, "daraja", "--dry-run").output
    assert lines(demo_url) == []
    slip = run("import", "statement", "statement.csv", "--provider", "darjaa")
    assert slip.exit_code == 1 and "darjaa is none of bank. Add --new if it is the first" in slip.output
    assert run("import", "statement", "statement.csv").output == "Whose statement? Say --provider.\n"
    assert run("import", "villages", "statement.csv", "--provider", "daraja").exit_code == 1


@pytest.mark.parametrize("verb", ["UPDATE statement_line SET amount = 1", "DELETE FROM statement_line"])
def test_what_a_statement_says_is_never_changed(run: Run, demo_url: str, verb: str) -> None:
    read(run, SAFARICOM, "daraja")
    with pytest.raises(Exception, match="statement_line is append only"):
        query(demo_url, verb)


def of(currency: str, exponent: int) -> SimpleNamespace:
    return SimpleNamespace(currency=currency, exponent=exponent, thousands=",", number=str)


@pytest.mark.parametrize(
    ("written", "currency", "exponent", "minor"),
    [
        ("1,053.00", "KES", 2, 105_300),
        ("-4000", "KES", 2, -400_000),
        ("(500)", "KES", 2, -50_000),
        ("TZS 1 000,00", "TZS", 2, 100_000),
        ("Ksh5.00", "KES", 2, 500),
        ("500.00 DR", "KES", 2, -50_000),
        ("1,000", "KES", 2, 100_000),
        ("1.000", "KES", 2, 100_000),
        ("1.000,50", "KES", 2, 100_050),
        ("1,000,000", "KES", 2, 100_000_000),
        ("350.5", "KES", 2, 35_050),
        ("1,053.00", "UGX", 0, 1_053),
        ("350.5", "UGX", 0, None),
        ("8.500", "TND", 3, 8_500),
        ("8,500", "TND", 3, 8_500_000),
        ("", "KES", 2, 0),
        ("-", "KES", 2, 0),
        ("abc", "KES", 2, None),
        ("5 apples", "KES", 2, None),
        ("1.2.3,4,5", "KES", 2, None),
        ("1" + ",000" * 2_000, "KES", 2, None),
    ],
)
def test_an_amount_is_read_as_it_is_written(written: str, currency: str, exponent: int, minor: int | None) -> None:
    if minor is None:
        with pytest.raises(Reason, match=r"amount"):
            read_amount(written, "amount", of(currency, exponent))  # type: ignore[arg-type]
    else:
        assert read_amount(written, "amount", of(currency, exponent)) == minor  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "at", "has_clock"),
    [
        ("28-11-2026 10:15:32", datetime(2026, 11, 28, 7, 15, 32, tzinfo=UTC), True),
        ("2026-11-28 10:15", datetime(2026, 11, 28, 7, 15, tzinfo=UTC), True),
        ("28/11/26 10:15 PM", datetime(2026, 11, 28, 19, 15, tzinfo=UTC), True),
        ("28/11/2026 12:05 am", datetime(2026, 11, 27, 21, 5, tzinfo=UTC), True),
        ("20261128101532", datetime(2026, 11, 28, 7, 15, 32, tzinfo=UTC), True),
        ("2026-11-28T10:15:32+01:00", datetime(2026, 11, 28, 9, 15, 32, tzinfo=UTC), True),
        ("28 Nov 2026", datetime(2026, 11, 27, 21, tzinfo=UTC), False),
        ("1.12.2026", datetime(2026, 11, 30, 21, tzinfo=UTC), False),
    ],
)
def test_a_moment_is_read_in_the_operators_zone(written: str, at: datetime, has_clock: bool) -> None:
    assert read_time(written, ZoneInfo("Africa/Dar_es_Salaam")) == (at, has_clock)
