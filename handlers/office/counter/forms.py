"""The forms of the counter. Each is checked first, and done when somebody has read what it will do."""

from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.validators import Length

from handlers.office.frame.forms import AmountField, LineField, OfficeForm, SerialField, TypedNameField, required
from handlers.office.frame.words import N_

LONGEST = 100


class Sell(OfficeForm):
    """A payment in cash for a device, or for goods on a plan."""

    what = LineField(N_("Serial, or number of a contract like S1042"), [required, Length(max=LONGEST)])
    amount = AmountField(N_("Cash that the customer pays"), [required])
    again = BooleanField(N_("This is other money: sell it once more"))
    promised = StringField()


class SellGoods(OfficeForm):
    """An appliance."""

    customer = LineField(N_("Customer: number like #4, or phone"), [required, Length(max=LONGEST)])
    offer = SelectField(N_("What, and how it is paid"))
    serial = SerialField(N_("Serial on it, or the last 4; empty where it has none"))
    again = BooleanField(N_("This is another one: sell it once more"))
    promised = StringField()


class Register(OfficeForm):
    """A customer, with a device or with none yet."""

    name = TypedNameField(N_("Name and surname"), [required, Length(max=LONGEST)])
    phone = LineField(N_("Phone number; empty for none; #4 for customer 4"), [Length(max=LONGEST)])
    village = SelectField(N_("Village"), default="")
    language = SelectField(N_("Language of the SMS"), default="")
    kind = RadioField(N_("Which device?"))
    serial = SerialField(N_("Serial number"))
    type = SelectField(N_("Connection type"), default="")
    sub_type = SelectField(N_("Sub connection type"), default="")
    tariff = SelectField(N_("Tariff"), default="")
    meter_type = SelectField(N_("Meter type"), default="")
    group = SelectField(N_("Connection group"), default="")
    model = SelectField(N_("Model"), default="")
    same = RadioField(N_("This phone is known. Is it the same person?"), validate_choice=False)
    consent = BooleanField(N_("The customer agrees that we keep name, phone and payments."))


class BringToBank(OfficeForm):
    """Cash that leaves the till."""

    amount = AmountField(N_("Cash that goes to the bank"), [required])
    reference = LineField(N_("Number of the bank's slip"), [required, Length(max=80)])
    again = BooleanField(N_("This is another slip: book it too"))
