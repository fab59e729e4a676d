"""Fields of the office's forms: what they read as an SMS is read, what is said beside a mistake, and what is kept."""

import pytest
from multidict import MultiDict

from bot.config import load
from bot.configured import company_of
from handlers.office.frame.forms import AmountField, LineField, OfficeForm, PhoneField, SerialField, required


class Sample(OfficeForm):
    """One field of each kind."""

    phone = PhoneField("Phone")
    amount = AmountField("Amount")
    serial = SerialField("Serial")
    reason = LineField("Why", [required])


def fill(**typed: str) -> Sample:
    company = company_of(load(secret_key="a key of thirty-two letters or so", country="TZ", currency="TZS"))
    form = Sample(MultiDict({"reason": "they called"} | typed), meta={"company": company})
    form.validate()
    return form


@pytest.mark.parametrize(
    ("name", "typed", "read"),
    [
        ("phone", "0712 345 678", "+255712345678"),
        ("phone", "", None),
        ("amount", "Tsh 5,000/=", 500_000),
        ("serial", " 0412-3456784 ", "04123456784"),
        ("reason", "  broken ", "broken"),
    ],
)
def test_a_field_reads_what_a_person_writes(name: str, typed: str, read: object) -> None:
    form = fill(**{name: typed})
    assert form.errors == {} and form[name].data == read


@pytest.mark.parametrize(
    ("name", "typed", "said"),
    [
        ("phone", "12", "This is not a phone number."),
        ("amount", "5k", "5k is not clear: write 5000."),
        ("amount", "many", "many is not clear: write 5000."),
        ("reason", " ", "Please fill this in."),
        ("reason", "x" * 201, "That is too long."),
    ],
)
def test_a_mistake_is_said_beside_its_field_and_kept(name: str, typed: str, said: str) -> None:
    form = fill(**{name: typed})
    assert form.errors == {name: [said]}
    assert form[name]._value().strip() == typed.strip()
