"""Texts of operators as rules read them: a table of real and forged ones, and what holds of any."""

import re
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.inbound.sms import FORWARDED
from bot.receipts.reading import read_money, understand
from bot.receipts.reasons import ALL, again
from bot.receipts.shipped import OPERATORS, RULES, Rule, Way
from bot.receipts.template import LONGEST_TEXT, Field, Template
from bot.text import Text
from bot.text.gsm import fits_sms
from bot.text.i18n import Reason, catalogue
from tests.world.receipt_table import ARRIVED, ZONES, Case, company_of, outcome, read_table

CASES = list(read_table())
TZ = company_of("mpesa-tz")


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.operator} {case.title}"[:60])
def test_a_text_becomes_what_the_table_says(case: Case) -> None:
    assert outcome(case) == case.expected


def test_the_table_has_all_kinds() -> None:
    assert len(CASES) >= 200
    assert len({(case.sender, case.operator, case.before, case.sim, case.text) for case in CASES}) == len(CASES)
    kinds = Counter(case.expected.partition(":")[0] for case in CASES)
    assert kinds["paid"] >= 50 and kinds["waiting"] >= 80 and kinds["ignored"] >= 20
    paid = {
        (found.rule.name if found else "")
        for case in CASES
        if case.expected.startswith(("paid", "waiting: It tells no balance"))
        for found in [understand(case.text, RULES, company_of(case.operator), ARRIVED)]
    }
    shipped = {rule.name for rule in RULES if rule.way is Way.IN}
    assert shipped <= paid, "each rule has a text that it is for"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_shipped_rule_can_be_used(rule: Rule) -> None:
    template = rule.template
    assert rule.operator in OPERATORS and rule.operator.rpartition("-")[2].upper() in ZONES
    assert template.is_payers == (rule.way is Way.OUT and "seen by the payer" not in rule.name)
    assert all(sender.isascii() and not sender.isdigit() for sender in rule.senders)


def test_the_names_of_rules_are_different() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


# What somebody of the office may write, and what is said of it.
BAD = {
    "You have received [amount] with words": "no [reference]",
    "You have received [reference] with words": "no [amount]",
    "You have received [amount] and [amount], [reference]": "too often",
    "[*] a [*] b [*] c [*] d [*] e [*] You have received [reference] [amount]": "too often",
    "You have received [reference] [amount] from [name][serial] today": "some word or sign has to stand",
    "You have received [reference] [amount] from [name] [*]": "some word or sign has to stand",
    "You have received [reference] [amont] from": "[amont] is no field",
    "Got [reference] [amount]": "too few words",
    "You have received [reference] [amount] " + "x" * 400: "longer than 400",
    "": "no [reference]",
}


@pytest.mark.parametrize(("text", "said"), BAD.items())
def test_a_template_that_reads_no_payment_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError) as refused:
        Template(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "You have sent [amount] to [name], id [reference]",
        "[reference] Confirmed. [amount] sent to [name] for account [serial]",
        "Umetuma TSh [amount] kwa [name]. Kumb [reference]",
        "Transferiste [amount] para conta [phone]. ID [reference]",
    ],
)
def test_a_payers_text_is_known(text: str) -> None:
    assert Template(text).is_payers


WORDS = st.sampled_from(["Demo", "Asha", "M-PESA", "O'Neil", "12", "Ltd.", "na", "on", "at", "from", "balance"])
NAMES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
AMOUNTS = st.integers(1, 900_000_00)
MOMENTS = st.integers(-4, 23 * 60).map(lambda minutes: ARRIVED - timedelta(minutes=minutes))
REFERENCES = st.from_regex(r"[A-Z][A-L][1-9A-V][A-Z0-9]{6}[0-9]", fullmatch=True)
GAPS = st.sampled_from([" ", "  ", "\n", "\r\n", " \t "])


def money(minor: int, commas: bool) -> str:
    return f"{minor // 100:,}.{minor % 100:02d}" if commas else f"{minor // 100}.{minor % 100:02d}"


def personal(reference: str, amount: str, name: str, at: datetime, balance: str) -> str:
    local = at.astimezone(TZ.zone)
    return (
        f"{reference} Confirmed. You have received TZS {amount} from {name} (255700000111) on {local:%Y-%m-%d} "
        f"at {local:%I:%M %p}. New M-Pesa balance is TZS {balance}."
    )


@given(REFERENCES, AMOUNTS, AMOUNTS, NAMES, MOMENTS, GAPS, st.booleans(), st.booleans())
def test_whatever_is_paid_is_read_as_it_is(
    reference: str, amount: int, balance: int, name: str, at: datetime, gap: str, commas: bool, small: bool
) -> None:
    text = personal(reference, money(amount, commas), name, at, money(balance, commas))
    text = (text.lower() if small else text).replace(" ", gap)
    found = understand(text, RULES, TZ, ARRIVED)
    assert found and found.rule.name == "mpesa-tz personal"
    assert (found.reference, found.amount, found.balance, found.doubts) == (reference, amount, balance, ())
    assert found.moment == at.replace(second=0)
    assert found.phone == "+255700000111"


@given(REFERENCES, AMOUNTS, NAMES, st.data())
def test_a_letter_changed_makes_no_other_payment(reference: str, amount: int, name: str, data: st.DataObject) -> None:
    """What is changed is another reference, amount, name or time, or no receipt; never another amount unseen."""
    text = personal(reference, money(amount, True), name, ARRIVED, "1,000.00")
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters(exclude_characters=text[place])) + text[place + 1 :]
    found = understand(changed, RULES, TZ, ARRIVED)
    if found and not found.doubts:
        first = text.index("TZS ") + 4
        inside = first <= place < first + len(money(amount, True))
        assert inside or found.amount == amount
        assert found.reference == reference or place < len(reference)


@given(NAMES, st.text(max_size=80), AMOUNTS)
def test_nothing_that_a_payer_writes_is_taken_for_the_operators_words(name: str, words: str, other: int) -> None:
    """In Rwanda the payer's message stands before the balance and the reference."""
    rwanda = company_of("mtn-rw")
    forged = f"{words}. Your new balance:{other} RWF. Financial Transaction Id: 99999999999."
    for message in (words, forged):
        text = (
            f"You have received 2000 RWF from {name} (*********013) on your mobile money account at "
            f"2026-11-24 09:30:51. Message from sender: {message}. Your new balance:2500 RWF. "
            "Financial Transaction Id: 76662021002."
        )
        found = understand(text, RULES, rwanda, ARRIVED)
        if found and not found.doubts:
            assert (found.amount, found.balance, found.reference) == (2000, 2500, "76662021002")


@given(st.text(max_size=700))
def test_any_text_is_read_or_not(text: str) -> None:
    found = understand(text, RULES, TZ, ARRIVED)
    assert found is None


@given(st.text(alphabet="[]*{}()\\.+?^$|abc reference amount", max_size=80))
def test_nobody_types_a_pattern(text: str) -> None:
    """Signs of patterns are signs: a template is refused with a sentence, or reads itself with its fields filled in."""
    try:
        template = Template(text)
    except ValueError as error:
        assert str(error).endswith(".")
        return
    filled = text
    for field, value in ((Field.REFERENCE, "AB12CD34"), (Field.AMOUNT, "500"), (Field.ANYTHING, "x")):
        filled = filled.replace(f"[{field}]", value)
    assert template.read(filled)


# Texts that cost patterns that look back the age of the world: many places where each gap might end.
HARD = [
    "AB12345678 Confirmed. You have received Ksh1 from " + "A 1 on 1/1/26 at 1:00 AM New M-PESA balance is Ksh1. " * 20,
    "a Salio jipya TSh 5. Umepokea TSh 5 kutoka kwa " + "a, kumbukumbu ya malipo. 1a2b3. 1/1/26 10:10. " * 20,
    "x1y2z3 imethibitishwa. Umepokea Tshs 5 kutoka " + ", Akaunti - tarehe 1/1/26 saa 10:10 . " * 20,
    "1" * LONGEST_TEXT,
    "[*] " * 160,
]


@pytest.mark.parametrize("text", HARD, ids=range(len(HARD)))
def test_no_text_takes_long(text: str) -> None:
    since = time.thread_time()
    for _ in range(3):
        understand(text[:LONGEST_TEXT], RULES, TZ, ARRIVED)
    assert time.thread_time() - since < 3, "some hundredths of a second each"


@pytest.mark.parametrize(
    ("text", "minor"),
    [
        ("500", 500_00),
        ("500.5", 500_50),
        ("1,250.40", 1250_40),
        ("1250.40", 1250_40),
        ("12,345,678", 12_345_678_00),
        ("1.250,40", 1250_40),
        ("0.05", 5),
    ],
)
def test_money_is_read_as_operators_write_it(text: str, minor: int) -> None:
    assert read_money(text, TZ) == minor


@pytest.mark.parametrize("text", ["", "-5", "1,25", "1.500", "5,00.00", "٥", "1e9", "9999999999", "5 000"])
def test_what_is_no_money_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        read_money(text, TZ)


@pytest.mark.parametrize("language", ["en", "sw", "fr", "pt", "ha"])
def test_who_forwards_a_receipt_reads_one_part_in_the_own_language(language: str) -> None:
    text = Text(FORWARDED.english, {"help": "+255 700 000 000"}).to(language)
    assert fits_sms(text) and (language == "en" or text != Text(FORWARDED.english, {"help": ""}).to("en"))
    assert text.startswith(("Nothing", "Hakuna", "Rien", "Nada", "Ba a"))


def in_swahili(english: str, **values: object) -> str:
    return catalogue("sw", "office")[english].format(**values)


@pytest.mark.parametrize("english", ALL)
def test_a_reason_that_was_kept_is_said_in_any_language(english: str) -> None:
    values = dict.fromkeys(re.findall(r"\{(\w+)\}", english), "M-PESA {x}")
    written = str(Reason(english, **values))
    assert again(written).to() == written
    assert again(written).to(in_swahili) == in_swahili(english, **values)


def test_each_text_that_is_not_paid_has_a_reason_that_is_known_again() -> None:
    kept = {case.expected.partition(": ")[2] for case in CASES if case.expected.startswith(("waiting", "ignored"))}
    assert len(kept) > 50 and [why for why in kept if again(why).to(in_swahili) == why] == []


def test_what_is_no_reason_of_ours_stays_as_it_is() -> None:
    assert again("by rehema {x}").to(lambda english, **values: english.format(**values)) == "by rehema {x}"
