"""Forms of the office: WTForms' fields over the parsers that read an SMS, so that page and text say the same.

A form keeps what was typed when it is refused, and has a sentence beside each field that is wrong.
"""

import re
from typing import Any, Self

from aiohttp import web
from wtforms import DecimalField, Field, Form, StringField, ValidationError
from wtforms.meta import DefaultMeta

from bot.company import Company
from bot.server import SERVER
from bot.text.amounts import probable_amount, read_minor
from bot.text.gsm import straight
from bot.text.numbers import parse
from handlers.fields.serials import tidy_serial
from handlers.office.frame.routes import FORM
from handlers.office.frame.words import N_, _, _n
from models.customers.registration import LONGEST_PART, is_name
from models.devices import LONGEST as LONGEST_SERIAL

LONGEST = 100  # characters of what a parser reads
KWH = re.compile(r"([0-9]{1,6})(?:[.,]([0-9])[0-9]{0,3})? ?(?:kwh)?", re.IGNORECASE)
LONGEST_LINE = 200  # characters of a line, as a reason in the log

# Sentences of WTForms itself, in words of ours; extracted from here.
OF_WTFORMS = {
    "This field is required.": N_("Please fill this in."),
    "Not a valid choice.": N_("Please choose one of the list."),
    "Not a valid integer value.": N_("Please write a whole number, like 12."),
    "Not a valid date value.": N_("Please write a day, like 2026-11-30."),
    "Invalid Choice: could not coerce.": N_("Please choose one of the list."),
}


class _Sentences:
    """WTForms' own sentences in the reader's language."""

    def gettext(self, string: str) -> str:
        return _(OF_WTFORMS.get(string, string))

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        return _n(singular, plural, n)


class _Meta(DefaultMeta):
    company: Company

    def get_translations(self, form: object) -> _Sentences:
        return _Sentences()


class OfficeForm(Form):
    """A form of the office; `ChangePhone.of(request)` reads what was sent, or is empty for a GET."""

    Meta = _Meta

    @classmethod
    def of(cls, request: web.Request, obj: object = None, **first: Any) -> Self:
        """The form with what was sent; before that with the values of `obj` or of `first`."""
        return cls(request.get(FORM), obj=obj, meta={"company": request.app[SERVER].company}, **first)

    def refuse(self, name: str, sentence: str) -> None:
        """Say beside a field what the business has against it."""
        field = self[name]
        field.errors = [*field.errors, sentence]


class LineField(StringField):
    """A line of text, without spaces at its ends."""

    data: Any  # a text, or what was read; where it is `required` there is one

    def process_formdata(self, given: list[str]) -> None:
        if given:
            self.data = given[0].strip()
            if len(self.data) > LONGEST_LINE:
                raise ValueError(_("That is too long."))


class ReadField(LineField):
    """What is read from a line by a parser of ours: `data` is what was read, `raw` is what was typed."""

    def process_formdata(self, given: list[str]) -> None:
        self.data = None
        if not given or not (typed := given[0].strip()):
            return
        if len(typed) > LONGEST:
            raise ValueError(_("That is too long."))
        self.data = self.read(self.meta.company, typed)

    def read(self, company: Company, typed: str) -> Any:
        """Raises ValueError with a sentence."""
        raise NotImplementedError

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.write(self.meta.company, self.data)

    def write(self, _company: Company, value: Any) -> str:
        return str(value)


class PhoneField(ReadField):
    """A phone number in any spelling; E.164."""

    def read(self, company: Company, typed: str) -> str:
        try:
            return parse(typed, company.country)
        except ValueError as error:
            raise ValueError(_(str(error))) from error


class AmountField(ReadField):
    """An amount of the company's currency; minor units."""

    def read(self, company: Company, typed: str) -> int:
        amount = read_minor(typed, company.currency, company.exponent, company.coin)
        if amount is None:
            probable = probable_amount(typed, company.currency) or 5000
            raise ValueError(_("{typed} is not clear: write {amount}.", typed=typed, amount=probable))
        if amount > company.most:
            raise ValueError(_("The most is {amount}.", amount=company.money(company.most)))
        return amount

    def write(self, company: Company, value: Any) -> str:
        return company.number(int(value))


class SerialField(ReadField):
    """A serial or meter number, with or without dashes and spaces."""

    def read(self, _company: Company, typed: str) -> str:
        serial = tidy_serial(typed)
        if len(serial) > LONGEST_SERIAL:  # no device has it, and the database refuses to look for it
            raise ValueError(_("That is too long."))
        return serial


class EnergyField(ReadField):
    """Kilowatt-hours as the display of a meter shows them; whole tenths, no more than it shows."""

    def read(self, _company: Company, typed: str) -> int:
        if not (shown := KWH.fullmatch(typed)):
            raise ValueError(_("Please write the kWh as the display shows them, like 12.5."))
        return int(shown[1]) * 10 + int(shown[2] or 0)

    def write(self, company: Company, value: Any) -> str:
        return f"{value // 10}{company.decimal}{value % 10}"


class PercentField(DecimalField):
    """A share in percent: a number, and none of the spellings of what is none."""

    def process_formdata(self, given: list[str]) -> None:
        super().process_formdata(given)
        if self.data is not None and not self.data.is_finite():
            self.data = None
            raise ValueError(_("Please write a number, like 2.5."))


class TypedNameField(LineField):
    """The name of a person as it was typed, with the apostrophe of a typewriter and single spaces."""

    def process_formdata(self, given: list[str]) -> None:
        super().process_formdata([" ".join(straight(each).split()) for each in given])


class NameField(TypedNameField):
    """The same, which is refused where a customer could not be registered by it; an agent's is name and surname in one,
    and may be as long as both."""

    def __init__(self, *given: Any, longest: int = LONGEST_PART, **rest: Any) -> None:
        super().__init__(*given, **rest)
        self._longest = longest

    def pre_validate(self, _form: object) -> None:
        if self.data and not is_name(self.data, self._longest):
            raise ValidationError(_("This is not a name."))


def required(form: object, field: Field) -> None:
    """A validator: something was typed and could be read."""
    if not field.errors and field.data in (None, ""):
        raise ValidationError(_("Please fill this in."))


def above_nothing(_form: object, field: Field) -> None:
    """A validator: an amount that was typed is more than 0."""
    if field.data is not None and field.data <= 0:
        raise ValidationError(_("Please write an amount above 0."))
