"""Why a text of an operator is not taken for a payment: each reason as it is kept, in English, and said to its reader.

A kept reason is the English sentence. `again` finds which of these it is, so that a page can say it in any language.
"""

import re
from functools import cache

from bot.text.i18n import N_, Reason

# So begins the reason why a text waits that may only have come too early: by it such texts are found again.
GAP = "Balance"
REFUSED_BEFORE = N_("{reference} was refused before.")
NO_BALANCE = N_("It tells no balance, so that nobody sees whether it is made up.")
FIRST_BALANCE = N_("Balance before it is not known: it is the first text of this kind.")
OTHER_BALANCE = N_("Balance is {told} and should be {expected}: a text is missing, or this one is made up.")
OTHER_AMOUNT = N_("{reference} is a payment of {money} already.")
KNOWN = N_("This payment was known already.")
BROKEN = N_("It could not be handled: {error}.")
WENT_OUT = N_("It is about money that went out.")
NOT_IN = N_("It is about no money that came in.")
TAKEN_BACK = N_("A payment may have been taken back: look for it in the books.")
TOO_LONG = N_("It is longer than any receipt.")
NO_RULE = N_("No rule fits it: `mwanga receipts test` shows which is nearest.")
OTHER_SENDER = N_("{sender} is not the sender of such texts, {right}.")
OTHER_OPERATOR = N_("SIM {sim} is bound to {bound}, and this is a text of {operator}.")
NO_SIM = N_("The phone does not say which SIM card got it.")
UNBOUND = N_("SIM {sim} of this phone is bound to no operator: `mwanga receipts bind`.")
TWO_RULES = N_("Two rules read it in two ways: {one}, and {other}.")
TWO_RECEIPTS = N_("There are two receipts in one text.")
TWO_WAYS = N_("It can be read in two ways: [{field}] is not certain.")
ODD_REFERENCE = N_("{reference} does not look like a reference of {operator}.")
NOTHING = N_("The amount is nothing.")
NO_AMOUNT = N_("{text} is no amount of money.")
TOO_MUCH = N_("{text} is more money than anybody pays.")
CENTS = N_("{text} has cents, which {currency} has not.")
OTHER_DAY = N_("It is of {day}, and came another day.")
OTHER_TIME = N_("It is of {day} {time}, and came at another time.")
NO_DATE = N_("{text} is no date.")
NO_TIME = N_("{text} is no time.")
ALL = (
    *(REFUSED_BEFORE, NO_BALANCE, FIRST_BALANCE, OTHER_BALANCE, OTHER_AMOUNT, KNOWN, BROKEN, WENT_OUT, NOT_IN),
    *(TAKEN_BACK, TOO_LONG, NO_RULE, OTHER_SENDER, OTHER_OPERATOR, NO_SIM, UNBOUND, TWO_RULES, TWO_RECEIPTS, TWO_WAYS),
    *(ODD_REFERENCE, NOTHING, NO_AMOUNT, TOO_MUCH, CENTS, OTHER_DAY, OTHER_TIME, NO_DATE, NO_TIME),
)


def again(kept: str) -> Reason:
    """The reason that was kept as this English sentence; one that is none of these, or was cut, stays as it is."""
    for english in ALL:
        if found := _pattern(english).fullmatch(kept):
            return Reason(english, **found.groupdict())
    return Reason("{kept}", kept=kept)


@cache
def _pattern(english: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", english)  # words, then a gap's name, and so on
    written = [f"(?P<{each}>.+)" if place % 2 else re.escape(each) for place, each in enumerate(pieces)]
    return re.compile("".join(written), re.DOTALL)
