"""What the operators write when money came in: the rules that everybody gets, each with where its form was seen.

The forms are those that were seen in public until autumn 2026. Operators change their tails, and sometimes a form: what
fits none of these waits for a person, and the office adds a rule of its own (`mwanga receipts add`).
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from bot.receipts.template import Template


class Way(StrEnum):
    """What happened to the money of the wallet whose SIM card the phone has."""

    IN = "in"
    OUT = "out"  # never credited; its balance shows where the next payment begins


@dataclass(frozen=True)
class Operator:
    """One operator's mobile money in one country."""

    name: str  # as a SIM card is bound to it
    title: str
    currency: str  # ISO 4217
    # As the books name who has the money. Where the provider also calls us back, it is the same name: then one payment
    # that both tell of is one.
    provider: str
    reference: re.Pattern[str]  # in capitals


@dataclass(frozen=True)
class Rule:
    """How one operator writes one kind of payment."""

    name: str
    operator: str  # the name of an Operator
    senders: tuple[str, ...]  # the names that such texts come from, whole; capitals do not matter
    text: str
    way: Way = Way.IN
    purse: str = "main"  # whose balance the text shows, where a SIM card gets texts of several
    own: bool = field(default=False, compare=False)  # the office's

    @cached_property
    def template(self) -> Template:
        return Template(self.text)


# Seen forms of references (reference of payments, 5): M-Pesa ten, in Tanzania eleven as well; Airtel twelve digits or
# its dated form; MTN ten and eleven digits, with room for growth; Mixx eleven to fourteen, Tigo's dated forms.
_MPESA = re.compile(r"(?=[A-Z0-9]*[A-Z])(?=[A-Z0-9]*[0-9])[A-Z0-9]{10,11}")
_AIRTEL = re.compile(r"[0-9]{10,13}|[A-Z]{2}[0-9]{6}\.[0-9]{4}\.[A-Z][0-9]{5,6}")
_MTN = re.compile(r"[0-9]{9,12}")
_ORANGE = re.compile(r"[A-Z]{2}[0-9]{6}\.[0-9]{4}\.[A-Z][0-9]{5,6}")
_MIXX = re.compile(r"[0-9]{11,14}|[A-Z]{2}[0-9]{6}\.[0-9]{4}\.[A-Z][0-9]{5,6}|[A-Z]{5}\.[0-9]{6}\.[0-9]{4}\.R[0-9]{11}")

OPERATORS = {
    each.name: each
    for each in (
        Operator("mpesa-ke", "M-Pesa (Kenya)", "KES", "daraja", _MPESA),
        Operator("mpesa-tz", "M-Pesa (Tanzania)", "TZS", "mpesa-tz", _MPESA),
        Operator("airtel-tz", "Airtel Money (Tanzania)", "TZS", "airtel", _AIRTEL),
        Operator("airtel-ug", "Airtel Money (Uganda)", "UGX", "airtel", _AIRTEL),
        Operator("airtel-rw", "Airtel Money (Rwanda)", "RWF", "airtel", _AIRTEL),
        Operator("mtn-ug", "MTN MoMo (Uganda)", "UGX", "momo", _MTN),
        Operator("mtn-gh", "MTN MoMo (Ghana)", "GHS", "momo", _MTN),
        Operator("mtn-rw", "MTN MoMo (Rwanda)", "RWF", "momo", _MTN),
        Operator("mpesa-mz", "M-Pesa (Mozambique)", "MZN", "mpesa-mz", _MPESA),
        Operator("orange-mg", "Orange Money (Madagascar)", "MGA", "orange", _ORANGE),
        Operator("orange-ml", "Orange Money (Mali)", "XOF", "orange", _ORANGE),
        Operator("mixx-tz", "Mixx by Yas, Tigo Pesa (Tanzania)", "TZS", "mixx", _MIXX),
    )
}


def provider_of(operator: str) -> str:
    """As the books name who has the money of an operator."""
    return OPERATORS[operator].provider if operator in OPERATORS else operator


# A reference of an operator whose forms nobody has told us: letters and digits, with a digit among them.
ANY_REFERENCE = re.compile(r"(?=[A-Z.]*[0-9])[A-Z0-9][A-Z0-9.]{4,39}")

_KE, _TZ = ("MPESA", "M-PESA"), ("M-PESA", "MPESA")
_AIRTEL_NAMES = ("AirtelMoney", "Airtel Money", "AIRTEL")
_MTN_UG = ("MTNMobMoney", "MTNMoMo", "MobileMoney", "MoMo")
_MTN_GH = ("MobileMoney", "MTN MoMo", "MTNMoMo")
_MTN_RW = ("M-Money", "MobileMoney")
_ORANGE_NAMES = ("OrangeMoney", "Orange Money")
_MIXX_NAMES = ("MixxByYas", "Mixx by Yas", "TIGOPESA", "TigoPesa", "Tigo Pesa")

RULES = (
    # M-Pesa, Kenya
    Rule(
        "mpesa-ke personal",
        "mpesa-ke",
        _KE,
        "[reference] Confirmed. You have received Ksh [amount] from [name] [phone] on [date] at [time] "
        "New M-PESA balance is Ksh [balance]. [*]",
    ),
    Rule(
        "mpesa-ke business",
        "mpesa-ke",
        _KE,
        "Congratulations! [reference] Confirmed. You have received Ksh [amount] from [name] on [date] at [time]. "
        "New M-PESA balance is Ksh [balance]. [*]",
    ),
    Rule(
        "mpesa-ke bank",
        "mpesa-ke",
        _KE,
        "[reference] Confirmed. You have received Ksh [amount] from [name]. on [date] at [time]. "
        "New M-PESA balance is Ksh [balance]. [*]",
    ),
    Rule(
        "mpesa-ke paybill",
        "mpesa-ke",
        _KE,
        "[reference] Confirmed. on [date] at [time] Ksh [amount] received from [name] [phone]. "
        "Account Number [serial] New Utility balance is Ksh [balance] [*]",
        purse="utility",
    ),
    Rule(
        "mpesa-ke till",
        "mpesa-ke",
        _KE,
        "[reference] Confirmed. on [date] at [time] Ksh [amount] received from [phone] [name]. "
        "New Account balance is Ksh [balance]. [*]",
        purse="till",
    ),
    Rule(
        "mpesa-ke pochi",
        "mpesa-ke",
        _KE,
        "[reference] Confirmed. You have received Ksh [amount] from [name] on [date] at [time] "
        "New business balance is Ksh [balance]. [*]",
        purse="pochi",
    ),
    Rule(
        "mpesa-ke paid to a business",
        "mpesa-ke",
        _KE,
        "[reference] Confirmed. Ksh [amount] sent to [name] for account [serial] on [date] at [time] "
        "New M-PESA balance is Ksh [balance]. Transaction cost, Ksh [fee]. [*]",
        way=Way.OUT,
    ),
    Rule(
        "mpesa-ke paid to a till",
        "mpesa-ke",
        _KE,
        "[reference] Confirmed. Ksh [amount] paid to [name]. on [date] at [time] "
        "New M-PESA balance is Ksh [balance]. Transaction cost, Ksh [fee]. [*]",
        way=Way.OUT,
    ),
    Rule(
        "mpesa-ke sent",
        "mpesa-ke",
        _KE,
        "[reference] Confirmed. Ksh [amount] sent to [name] [phone] on [date] at [time]. "
        "New M-PESA balance is Ksh [balance]. Transaction cost, Ksh [fee]. [*]",
        way=Way.OUT,
    ),
    # M-Pesa, Tanzania
    Rule(
        "mpesa-tz personal",
        "mpesa-tz",
        _TZ,
        "[reference] Confirmed. You have received TZS [amount] from [name] ([phone]) on [date] at [time]. "
        "New M-Pesa balance is TZS [balance] [*]",
    ),
    Rule(
        "mpesa-tz personal 2014",
        "mpesa-tz",
        _TZ,
        "[reference] Confirmed. You have received Tsh [amount] from [name] on [date] at [time] "
        "New M-PESA balance is Tsh [balance] [*]",
    ),
    Rule(
        "mpesa-tz other bank",
        "mpesa-tz",
        _TZ,
        "[reference] confirmed. You have received a payment of Tsh [amount] from [name] on [date] at [time]. "
        "New M-Pesa balance is Tsh [balance] [*]",
    ),
    Rule(
        "mpesa-tz other bank, Swahili",
        "mpesa-tz",
        _TZ,
        "[reference] imethibitishwa. Umepokea Tshs [amount] kutoka [*], Akaunti [*] - [name] tarehe [date] "
        "saa [time]. [*]",
    ),
    Rule(
        "mpesa-tz merchant",
        "mpesa-tz",
        _TZ,
        "[reference] Confirmed. On [date] at [time] Tsh [amount] Tsh. has been received from [phone] - [name]. "
        "Your balance is Tsh [balance] Tsh. [*]",
        purse="merchant",
    ),
    Rule(
        "mpesa-tz merchant, no name",
        "mpesa-tz",
        _TZ,
        "[reference] Confirmed. On [date] at [time] Tsh [amount] received from [*]. "
        "New Merchant balance is Tsh [balance]. [*]",
        purse="till",
    ),
    Rule(
        "mpesa-tz pochi",
        "mpesa-tz",
        _TZ,
        "[reference] Confirmed. Tsh [amount] received from [phone] - [name] on [date] at [time]. "
        "New Pochi [*] balance is Tsh [balance]. [*]",
        purse="pochi",
    ),
    Rule(
        "mpesa-tz seen by the payer",
        "mpesa-tz",
        _TZ,
        "[reference] Confirmed. [name] has received Tsh [amount] on [date] [time]. [*]",
        way=Way.OUT,
    ),
    # Airtel Money
    Rule(
        "airtel-tz phone first",
        "airtel-tz",
        _AIRTEL_NAMES,
        "Umepokea Tsh [amount], [phone] [name]. Salio jipya ni Tsh [balance]. Muamala No. [reference] [*]",
    ),
    Rule(
        "airtel-tz name first",
        "airtel-tz",
        _AIRTEL_NAMES,
        "Umepokea Tsh [amount], [name] [phone]. Salio jipya ni Tsh [balance]. Muamala No. [reference] [*]",
    ),
    *(
        Rule(name, f"airtel-{country}", _AIRTEL_NAMES, text.replace("{}", currency))
        for country, currency in (("ug", "UGX"), ("rw", "RWF"))
        for name, text in (
            (
                f"airtel-{country}",
                "RECEIVED. TID [reference]. {} [amount] from [phone], [name]. Bal {} [balance]. [*]",
            ),
            (
                f"airtel-{country} other network",
                "RECEIVED {} [amount] from [phone], [name], [*]. Balance {} [balance]. TID: [reference]. [*]",
            ),
        )
    ),
    # MTN MoMo
    Rule(
        "mtn-ug",
        "mtn-ug",
        _MTN_UG,
        "You have received UGX [amount] from [name], [phone] on [date] [time]. fee: [fee]. Reason: [serial]. "
        "New balance: UGX [balance]. ID: [reference]. [*]",
    ),
    Rule(
        "mtn-ug other network",
        "mtn-ug",
        _MTN_UG,
        "You have received UGX [amount] from Airtel Money on [date] [time]. fee: [fee]. Reason: [name], [phone]. "
        "New balance: UGX [balance]. ID: [reference]. [*]",
    ),
    Rule(
        "mtn-gh",
        "mtn-gh",
        _MTN_GH,
        "Payment received for GHS [amount] from [name] Current Balance: GHS [balance]. Available Balance: GHS [*]. "
        "Reference: [serial]. Transaction ID: [reference]. TRANSACTION FEE: [fee] [*]",
    ),
    Rule(
        "mtn-rw",
        "mtn-rw",
        _MTN_RW,
        "You have received [amount] RWF from [name] ([phone]) on your mobile money account at [date] [time]. "
        "Message from sender: [serial]. Your new balance: [balance] RWF. Financial Transaction Id: [reference]. [*]",
    ),
    Rule(
        "mtn-rw no message",
        "mtn-rw",
        _MTN_RW,
        "You have received [amount] RWF from [name] ([phone]) on your mobile money account at [date] [time]. "
        "Message from sender: . Your new balance: [balance] RWF. Financial Transaction Id: [reference]. [*]",
    ),
    # Mixx by Yas, which was Tigo Pesa
    Rule(
        "mixx-tz",
        "mixx-tz",
        _MIXX_NAMES,
        "Transfer Successful. New balance is TSh [balance]. You have received TSh [amount] from [*]; [name] "
        "with TxnId: [reference]. [*]. [date] [time]. [*]",
    ),
    Rule(
        "mixx-tz 2014",
        "mixx-tz",
        _MIXX_NAMES,
        "New balance is Tsh [balance]. You have received Tsh [amount] from [name], [phone]. [date] [time]; "
        "with TxnId: [reference]. [*]",
    ),
    Rule(
        "mixx-tz Swahili",
        "mixx-tz",
        _MIXX_NAMES,
        "[*] Salio jipya TSh [balance]. Umepokea TSh [amount] kutoka kwa [name], kumbukumbu ya malipo. "
        "[reference]. [*] [date] [time]. [*]",
    ),
    # The French and the Portuguese ones
    Rule(
        "mpesa-mz",
        "mpesa-mz",
        _TZ,
        "Confirmado [reference]. Recebeste [amount]MT de [*] - [name] aos [date] as [time] "
        "o novo saldo M-Pesa e de [balance]MT. [*]",
    ),
    Rule(
        "orange-mg",
        "orange-mg",
        _ORANGE_NAMES,
        "Vous avez recu un transfert de [amount]Ar venant du [phone] Nouveau Solde: [balance]Ar. "
        "Trans Id: [reference]. [*]",
    ),
    Rule(
        "orange-ml",
        "orange-ml",
        _ORANGE_NAMES,
        "Vous avez recu un transfert de [amount] FCFA du [phone]. ID: [reference]. "
        "Consultez votre nouveau solde sur [*]",
    ),
)
