"""`mwanga receipts`: SIM cards bound, rules written and tried out, texts that wait accepted and refused."""

import asyncio

import pytest

from bot.app import assembled
from bot.config import load
from tests.world.people import NOON
from tests.world.prompt import Run, query
from tests.world.receipt_texts import Till, open_till, personal

pytestmark = pytest.mark.everyday_on_sqlite

TEXT = personal("DKN1234567", 50_000, 150_000, NOON)
HALO = "HaloPesa: Umepokea TSh [amount] kutoka kwa [phone] [name] tarehe [date]. Ref: [reference]"


@pytest.fixture
def receipts(run: Run) -> Run:
    """`mwanga receipts` and these words, with a phone in the shop."""
    run("phone", "add", "Till phone")
    return lambda *words, **options: run("receipts", *words, **options)


def heard(url: str, *texts: str) -> None:
    """A server takes these texts, which come to a bound phone."""

    async def take() -> None:
        async with assembled(load(database=url), serving=False) as mwanga:
            till: Till = await open_till(mwanga, balance=10_000, name="Other phone")
            for text in texts:
                await till.hears(text)

    asyncio.run(take())


def test_a_sim_card_is_bound_shown_and_unbound(receipts: Run, demo_url: str) -> None:
    bound = receipts("bind", "Till phone", "--provider", "mpesa-tz", "--balance", "12,500.50").output
    assert bound == "Texts of mpesa-tz to SIM 1 of Till phone become payments.\n"
    assert receipts("list").output.startswith("Till phone SIM 1, mpesa-tz, main TZS 12,500.50\n")
    again = receipts("bind", "Till phone", "--provider", "airtel-tz", "--trust").output
    assert again.splitlines()[1] == "The first one waits for a person, who says that its balance is right."
    assert receipts("list").output.startswith("Till phone SIM 1, airtel-tz, trusted without a balance\n")
    assert receipts("unbind", "Till phone").exit_code == 0
    assert receipts("unbind", "Till phone").exit_code == 1
    assert not query(demo_url, "SELECT 1 FROM receipt_wallet")
    audit = query(demo_url, "SELECT action, subject, detail FROM audit WHERE action LIKE 'receipt%' ORDER BY id")
    assert [tuple(row.values()) for row in audit] == [
        ("receipts bound", "Till phone SIM 1", "mpesa-tz"),
        ("receipts bound", "Till phone SIM 1", "airtel-tz, also without a balance"),
        ("receipts unbound", "Till phone SIM 1", ""),
    ]


UNBINDABLE = [
    (("Nobody", "--provider", "mpesa-tz"), "There is no phone Nobody."),
    (("Till phone", "--provider", "mpesa"), "mpesa is none of airtel-tz, mixx-tz, mpesa-tz."),
    (("Till phone", "--provider", "mpesa-ke"), "mpesa-ke is none of airtel-tz, mixx-tz, mpesa-tz."),
    (("Till phone", "--provider", "mpesa-tz", "--balance", "lots"), "lots is no amount of money."),
]


def test_what_cannot_be_bound_is_said(receipts: Run) -> None:
    for words, said in UNBINDABLE:
        result = receipts("bind", *words)
        assert (result.exit_code, result.output.strip()) == (1, said)


def test_a_text_is_explained(receipts: Run) -> None:
    receipts("bind", "Till phone", "--provider", "mpesa-tz", "--balance", "100,000")
    lines = receipts("test", TEXT).output.splitlines()
    assert lines[:8] == [
        "Rule: mpesa-tz personal, of M-Pesa (Tanzania)",
        "  [reference]  DKN1234567",
        "  [amount]     50,000.00 = TZS 50,000",
        "  [name]       NEEMA KOMBA",
        "  [phone]      255700000061 = +255700000061",
        "  [date]       2026-11-24",
        "  [time]       10:42 AM",
        "  [balance]    150,000.00 = TZS 150,000",
    ]
    assert lines[8] == "The sender has to be M-PESA or MPESA, and no phone number."


def test_a_text_of_now_would_be_a_payment_and_of_anybody_else_not(receipts: Run) -> None:
    text = "Umepokea Tsh1,000.00, 740000466 Joel demo. Salio jipya ni Tsh26,684.00. Muamala No. MI261124.1041.Q03294"
    receipts("bind", "Till phone", "--provider", "airtel-tz", "--balance", "25,684")
    assert receipts("test", text, "--sender", "AirtelMoney").output.splitlines()[-1] == (
        "It would be a payment of TZS 1,000, with airtel."
    )
    assert receipts("test", text, "--sender", "Airtel-Money").output.splitlines()[-2:] == [
        "It would wait for a person:",
        "  Airtel-Money is not the sender of such texts, AirtelMoney.",
    ]
    assert (
        "SIM 2 of this phone is bound to no operator"
        in receipts("test", text, "--phone", "Till phone", "--sim", 2).output
    )
    assert receipts("test", text, "--phone", "Nobody").exit_code == 1
    receipts("bind", "Till phone", "--provider", "airtel-tz", "--balance", "20,000")
    assert "Balance is 26,684 and should be 21,000" in receipts("test", text, "--sender", "AirtelMoney").output


def test_where_no_rule_fits_the_nearest_is_shown(receipts: Run) -> None:
    receipts("bind", "Till phone", "--provider", "mpesa-tz")
    lines = receipts("test", TEXT.replace("balance is", "balance now is"), "--sender", "M-Pesa").output.splitlines()
    assert lines[:3] == [
        "No rule fits it.",
        'Nearest is mpesa-tz personal: 23 of its 27 pieces fit. It wants "is" next,',
        '  and there stands "now is TZS 150,000.00.":',
    ]
    assert lines[-1] == "It would wait for a person: No rule fits it: `mwanga receipts test` shows which is nearest."
    assert receipts("test", "Win 5,000 today", "--sender", "M-Pesa").output.splitlines()[-1] == (
        "It would be passed over: It is about no money that came in."
    )
    assert receipts("test", "Hello", "--sender", "Somebody").output.splitlines() == [
        "No rule fits it.",
        "No rule is for texts from Somebody.",
    ]
    out = "DKN9B1BBBB Confirmed. NEEMA KOMBA has received Tsh 40000 on 2026-11-24 10:20:55."
    assert receipts("test", out).output.splitlines()[-1].startswith("No payment: it is about money that went out.")


def test_a_rule_of_the_office_is_added_used_switched_and_removed(receipts: Run) -> None:
    text = "HaloPesa: Umepokea TSh 5,000 kutoka kwa 0620000111 ASHA DEMO tarehe 24/11/2026. Ref: HP1234567"
    assert "No rule fits it." in receipts("test", text).output
    added = receipts("add", "halo", "--provider", "halopesa", "--sender", "HaloPesa", "--template", HALO)
    assert added.exit_code == 0, added.output
    shown = receipts("test", text).output
    assert "Rule: halo, of halopesa" in shown and "[reference]  HP1234567" in shown and "= TZS 5,000" in shown
    assert receipts("bind", "Till phone", "--provider", "halopesa").exit_code == 0
    assert f"halo: halopesa, from HaloPesa, yours\n    {HALO}\n" in receipts("list").output
    receipts("off", "halo")
    assert "No rule fits it." in receipts("test", text).output and "halo: OFF" in receipts("list").output
    receipts("on", "halo")
    assert "Rule: halo" in receipts("test", text).output
    receipts("remove", "halo")
    assert "No rule fits it." in receipts("test", text).output
    for words in (("remove", "halo"), ("off", "halo"), ("remove", "mpesa-tz personal")):
        assert receipts(*words).exit_code == 1


def test_a_shipped_rule_can_be_left_out(receipts: Run) -> None:
    assert receipts("off", "mpesa-tz personal").exit_code == 0
    assert "No rule fits it." in receipts("test", TEXT).output
    assert "mpesa-tz personal: OFF" in receipts("list").output
    receipts("on", "mpesa-tz personal")
    assert "Rule: mpesa-tz personal" in receipts("test", TEXT).output


BAD_RULES = [
    ({"template": HALO.replace("Umepokea", "Umetuma")}, "This is the text of who pays."),
    ({"template": HALO.replace("[amount]", "[sum]")}, "[sum] is no field."),
    ({"template": HALO.replace("[amount]", "5")}, "The template has no [amount]"),
    ({"sender": "+255700000001"}, "A phone number is none."),
    ({"sender": "15000"}, "A phone number is none."),
    ({"sender": "HaloPésa"}, "A sender is the name"),
    ({"name": "mpesa-tz pochi"}, "comes with Mwanga: choose another name"),
    ({"provider": "mtn-ug"}, "mtn-ug pays in UGX, and this database is kept in TZS."),
    ({"provider": "x" * 21}, "a provider 1 to 20"),
]


def test_a_rule_that_nobody_can_use_is_refused(receipts: Run) -> None:
    for options, said in BAD_RULES:
        given = {"name": "halo", "provider": "halopesa", "sender": "HaloPesa", "template": HALO} | options
        name = given.pop("name")
        words = [word for option, value in given.items() for word in (f"--{option}", value)]
        result = receipts("add", name, *words)
        assert result.exit_code == 1 and said in result.output, said


def test_a_text_that_waits_is_shown_and_accepted_by_a_person(receipts: Run, demo_url: str) -> None:
    heard(demo_url, TEXT)
    why = "It is of 2026-11-24 10:42 AM, and came at another time."
    shown = receipts("waiting").output.splitlines()
    assert shown[0].endswith(f"from M-PESA, Other phone SIM 1: {why}") and shown[1] == f"    {TEXT}"
    assert receipts("accept", 1, input="n\n").output.splitlines()[-1] == "Nothing was booked."
    assert query(demo_url, "SELECT state FROM receipt_text") == [{"state": "waiting"}]
    done = receipts("accept", 1, "--serial", "SHS0283", input="y\n").output
    assert "Books TZS 50,000, mpesa-tz DKN1234567." in done and done.endswith("Booked.\n")
    [payment] = query(demo_url, "SELECT amount, account_text FROM payment WHERE provider = 'mpesa-tz'")
    assert payment == {"amount": 50_000_00, "account_text": "SHS0283"}
    assert receipts("waiting").output == "No text waits.\n"
    again = receipts("accept", 1, "--yes")
    assert (again.exit_code, again.output) == (1, "Receipt text 1 waits no more: it is paid.\n")
    assert receipts("accept", 9).output == "There is no receipt text 9.\n"


def test_a_text_that_no_rule_reads_is_accepted_as_the_person_says(receipts: Run, demo_url: str) -> None:
    heard(demo_url, "You have received money from NEEMA: 5000, number DKN1234567.")
    refused = receipts("accept", 1, "--yes")
    assert refused.exit_code == 1 and "say the provider, the reference and the amount" in refused.output
    wrong = receipts("accept", 1, "--yes", "--provider", "mpesa", "--reference", "DKN1234567", "--amount", "5,000")
    assert (wrong.exit_code, wrong.output.splitlines()[-1]) == (1, "mpesa is none of airtel, mixx, mpesa-tz.")
    words = ("--provider", "mpesa-tz", "--reference", "dkn 1234567", "--amount", "5,000", "--yes")
    assert receipts("accept", 1, *words).output.endswith("Booked.\n")
    assert query(demo_url, "SELECT reference, amount FROM payment WHERE provider = 'mpesa-tz'") == [
        {"reference": "DKN1234567", "amount": 5_000_00}
    ]


def test_a_text_is_refused(receipts: Run, demo_url: str) -> None:
    heard(demo_url, TEXT)
    assert receipts("refuse", 1).output == "Refused. The text is kept.\n"
    assert receipts("refuse", 1).exit_code == 1
    assert query(demo_url, "SELECT state, why FROM receipt_text") == [{"state": "refused", "why": "by command line"}]
