"""The forms of an agent's page: each is a part of it, and keeps what was typed when it is refused."""

from wtforms import BooleanField, Field, SelectField, StringField, ValidationError
from wtforms.validators import Length, NumberRange, Optional

from handlers.fields.languages import NAMES
from handlers.office.frame.forms import (
    AmountField,
    LineField,
    NameField,
    OfficeForm,
    PercentField,
    PhoneField,
    above_nothing,
    required,
)
from handlers.office.frame.words import N_, _
from models.money.hand_in import LONGEST_REFERENCE
from models.people import MiniGrid

REASON = [required, Length(max=200)]
PERCENT = [required, NumberRange(min=0, max=100)]


def ticked(_form: object, field: Field) -> None:
    """A validator of a box that has to be ticked."""
    if not field.data:
        raise ValidationError(_("Please tick this box."))


class BookCash(OfficeForm):
    """Cash that was counted at the desk."""

    amount = AmountField(N_("Cash that you counted"), [required, above_nothing])
    reference = LineField(N_("Your own number for it, if you have one"), [Length(max=LONGEST_REFERENCE)])
    again = BooleanField(N_("This is other cash: book it too"))


class PayCommission(OfficeForm):
    """Commission in cash, out of the till."""

    amount = AmountField(N_("Commission that you pay out"), [required])


class Settle(OfficeForm):
    """How much a hand-in was after all."""

    reference = StringField(N_("Hand-in"), [required, Length(max=LONGEST_REFERENCE)])
    amount = AmountField(N_("How much it was, 0 for nothing"), [required])


class TopUp(OfficeForm):
    """Money for the wallet."""

    amount = AmountField(N_("Money that the agent paid"), [required, above_nothing])
    reference = LineField(N_("Your own number for it, if you have one"), [Length(max=LONGEST_REFERENCE)])
    again = BooleanField(N_("This is other money: book it too"))


class PayOut(OfficeForm):
    """Money out of the wallet."""

    amount = AmountField(N_("Money that goes back"), [required])
    reason = LineField(N_("Why?"), REASON)


class Terms(OfficeForm):
    """What an agent may and earns."""

    limit = AmountField(N_("Cash that the agent may hold"), [required])
    commission = PercentField(N_("Commission on payments, in percent"), PERCENT)
    goods_commission = PercentField(N_("Commission on appliances, in percent of the price"), PERCENT)
    cashier = BooleanField(N_("May count what other agents hand in"))
    prepaid = BooleanField(N_("Sells from a wallet that is paid before"))
    seen = StringField()


class Details(OfficeForm):
    """Who an agent is."""

    name = NameField(N_("Name and surname"), [required, Length(max=100)], longest=100)
    language = SelectField(N_("Language of the SMS"))
    mini_grid = SelectField(N_("Mini-grid"))
    seen = StringField()


class ChangePhone(OfficeForm):
    """Another phone number."""

    phone = PhoneField(N_("New phone number"), [required])


class Lock(OfficeForm):
    """Nothing is sold with the agent's PIN any more."""

    reason = LineField(N_("Why?"), REASON)


class Unlock(OfficeForm):
    """The agent sells again."""

    reason = LineField(N_("Why?"), REASON)


class SendPin(OfficeForm):
    """A PIN for once."""

    sure = BooleanField(N_("I spoke with the agent, and the agent has this phone in hand"), [ticked])


class Retire(OfficeForm):
    """The agent sells no more."""

    sure = BooleanField(N_("This person sells no more, and the number is free for another agent"), [ticked])
    with_cash = BooleanField(N_("Although the agent holds cash"))


class NewAgent(OfficeForm):
    """Somebody who sells."""

    name = NameField(N_("Name and surname"), [required, Length(max=100)], longest=100)
    phone = PhoneField(N_("Phone number"), [required])
    language = SelectField(N_("Language of the SMS"))
    mini_grid = SelectField(N_("Mini-grid"), validate_choice=False)
    new_grid = LineField(N_("Or a new mini-grid"), [Optional(), Length(max=100)])
    limit = AmountField(N_("Cash that the agent may hold"), [required])


def languages(codes: list[str]) -> list[tuple[str, str]]:
    """The company's languages, to choose one of."""
    return [(code, NAMES[code]) for code in codes]


async def mini_grids() -> list[tuple[str, str]]:
    """All mini-grids, to choose one of by name."""
    return [(grid.name, grid.name) for grid in await MiniGrid.all().order_by("name")]
