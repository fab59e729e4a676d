"""The forms of a ticket, over what reads a text about one."""

from datetime import date, timedelta
from typing import Any

from wtforms import SelectField, TextAreaField, ValidationError

from bot.company import Company
from handlers.office.frame.forms import LineField, OfficeForm, required
from handlers.office.frame.words import N_, _
from handlers.office.tickets.words import CATEGORIES
from handlers.tickets.desk import NoWords, TooLong, is_due_possible, read_words
from handlers.tickets.questions import LONGEST
from models.devices import Device
from models.tickets import Category
from models.tickets.tickets import DUE

DAY = {"type": "date", "placeholder": "2026-11-30"}


class WordsField(TextAreaField):
    """A few words, as a ticket keeps them: nothing in them may be a PIN."""

    data: Any

    def __init__(self, label: str, **rest: Any) -> None:
        super().__init__(label, render_kw={"rows": 3, "maxlength": LONGEST}, **rest)

    def process_formdata(self, given: list[str]) -> None:
        self.data = None
        if not given:
            return
        try:
            self.data = read_words(given[0])
        except NoWords as error:
            raise ValueError(_("Say it in a few words.")) from error
        except TooLong as error:
            raise ValueError(_("Too long: {n} letters at most.", n=LONGEST)) from error

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else ""


class DueField(LineField):
    """A day until when the work is to be done, like 2026-11-30. `kept` is one that it may stay, though it is over."""

    kept: date | None = None
    data: Any

    def process_formdata(self, given: list[str]) -> None:
        if not given:
            return
        self.data, typed = None, given[0].strip()
        try:
            day = date.fromisoformat(typed)
        except ValueError as error:
            raise ValueError(_("Please write a day, like 2026-11-30.")) from error
        self.data = day

    def pre_validate(self, _form: object) -> None:
        if self.data and self.data != self.kept and not is_due_possible(self.data, self.meta.company):
            raise ValidationError(_("This day is over already, or too far away."))

    def _value(self) -> str:
        return str(self.raw_data[0]) if self.raw_data else str(self.data or "")


class NewTicket(OfficeForm):
    """What a caller reports."""

    device = SelectField(N_("Which device?"), choices=[])
    category = SelectField(N_("What is wrong?"), choices=[])
    words = WordsField(N_("What the caller says"), validators=[required])
    due = DueField(N_("To be done by"), validators=[required], render_kw=DAY)

    def offer(self, devices: list[Device], company: Company) -> None:
        """Fill in what can be chosen."""
        self.device.choices = [(str(one.id), one.serial) for one in devices] + [("", _("None, or another one"))]
        self.category.choices = [(one.value, _(title)) for one, title in CATEGORIES.items() if one != Category.PAYMENT]
        if not self.due.raw_data:
            self.due.data = company.today() + timedelta(days=DUE.days)


class Assignment(OfficeForm):
    """Whose work it is, and until when."""

    to = SelectField(N_("Given to"), choices=[], validators=[required])
    due = DueField(N_("To be done by"), validators=[required], render_kw=DAY)


class Comment(OfficeForm):
    words = WordsField(N_("Your words"), validators=[required])


class Question(OfficeForm):
    """Whether it is fixed: nothing is typed."""


class Closing(OfficeForm):
    words = WordsField(N_("Why it is closed without asking"), validators=[required])


class Reopening(OfficeForm):
    words = WordsField(N_("Why it is opened again"), validators=[required])
