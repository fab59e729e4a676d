"""How a page of money does something: once, in one unit of work, and when it cannot be done it says why in a
sentence."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from tortoise.exceptions import OperationalError

from bot.company import Company
from bot.server import SERVER
from handlers.office.frame.page import is_first
from handlers.office.frame.routes import FORM, USER
from handlers.office.frame.times import day_name
from handlers.office.frame.words import LANGUAGE, N_, _
from handlers.selling.void import why_not
from models.money import reconciling, wallets
from models.money.amounts import NeverCame, NobodySays, NotPutRight
from models.money.claims import NoClaim
from models.money.credit import NotSoMuch
from models.money.disputes import NotDisputed, NothingProposed
from models.money.hand_in import MoreThanHeld
from models.money.reconciling import NotSettled
from models.money.waiting import NoSuchPayment
from models.money.write_offs import NoReason, NotWaiting
from models.people.promotions import AboutOneself, NotAsked
from models.people.two_people import OtherAmount, SamePerson
from models.selling import ownership, proposals
from models.selling.moving import NotForThat, NothingToMove, SameDevice
from models.selling.taking_back import NotTakenBack, NotTheirs
from models.selling.voids import AskedBefore, NobodyAsked

TRIES = 5  # two that wanted the same rows at once: the later one does it again
# Before the second try, and twice as long before each one after that: a batch or a part of an import that has a row
# commits within that time.
PAUSE_S = 0.05


class NotDone(Exception):
    """Nothing was changed; the text says why, for the page."""


REFUSALS = (
    *(
        NotDone,
        SamePerson,
        OtherAmount,
        NotTakenBack,
        NotDisputed,
        MoreThanHeld,
        NotSettled,
        NoClaim,
        NoReason,
        NotWaiting,
    ),
    *(ownership.NotDone, proposals.NotProposed, proposals.Decided, wallets.NotToppedUp, NoSuchPayment),
    *(NotPutRight, NotSoMuch, NotAsked, AboutOneself),
)


def key_of(request: web.Request) -> str:
    """A name for what a form asks for: the same for the same form, however often it is sent."""
    return f"form {request[USER].id} {request[FORM].get('once') or secrets.token_urlsafe(12)}"[:80]


def seen_in(request: web.Request) -> int:
    """The amount (minor units) that was shown to who agrees. Raises NotDone for a form that has none."""
    typed = request[FORM].get("seen", "")
    if not (typed.isascii() and typed.isdigit() and len(typed) < 19):
        raise NotDone(_("Look at the amount again, and then agree."))
    return int(typed)


async def do(request: web.Request, work: Callable[[], Awaitable[object]]) -> str:
    """Do it in a unit of work, unless this very form did it before; why it cannot be done, or nothing."""
    server = request.app[SERVER]
    for attempt in range(TRIES):
        try:
            async with server.database.work():
                if await is_first(request):
                    await work()
        except REFUSALS as refusal:
            return sentence(refusal, server.company)
        except OperationalError:
            if attempt == TRIES - 1:
                raise
            await asyncio.sleep(PAUSE_S * 2**attempt)
        else:
            break
    server.outbox.notify()
    return ""


def sentence(refusal: Exception, company: Company) -> str:
    """Why nothing was changed."""
    for kinds, say in SAY.items():
        if isinstance(refusal, kinds):
            return say(refusal, company)
    return str(refusal)


def _of_sale(refusal: NotTakenBack, company: Company) -> str:
    match refusal:
        case NobodyAsked():
            return _("Nobody asks for it any more.")
        case AskedBefore():
            return _("It is asked for already: another one of the office decides.")
        case SameDevice():
            return _("The sale was for this device.")
        case NothingToMove():
            return _("The sale was for no device.")
        case NotTheirs():
            return _("The device or the plan is another customer's by now, or over: the sale stands.")
        case NotForThat():
            return _("The right device can have no token now.")
    return why_not(refusal, str(refusal) or _("This sale"), company).to(LANGUAGE.get())


def _of_wallet(refusal: wallets.NotToppedUp, company: Company) -> str:
    match refusal:
        case wallets.NotPrepaid():
            return _("The agent has no wallet.")
        case wallets.NotInWallet(there=there):
            return _("The wallet has {amount}.", amount=company.money(there))
        case wallets.ToppedUpBefore(earlier=earlier):
            return _(
                "The agent paid {amount} on {day} at {time}, reference {reference}. If this is other money, tick the"
                " box.",
                amount=company.money(earlier.amount),
                day=day_name(company, earlier.created_at),
                time=company.clock(earlier.created_at),
                reference=earlier.reference,
            )
    return _("This reference names another top-up.")


def _of_device(refusal: ownership.NotDone, company: Company) -> str:
    match refusal:
        case ownership.NoOwner():
            return _("The device is in stock: nobody has it.")
        case ownership.OtherOwner():
            return _("The device is not the customer's any more who had it then: refuse this, and ask anew.")
        case ownership.MoreOwed(owed=owed):
            return _("{amount} is to be paid on it by now: refuse this, and ask anew.", amount=company.money(owed))
        case ownership.OwnAlready():
            return _("The device is this customer's already.")
        case ownership.OpenDebt(owed=owed):
            return _(
                "{amount} is still to be paid on it: tick the box if that goes to the new owner.",
                amount=company.money(owed),
            )
        case ownership.RetiredBefore():
            return _("The device is out of use already.")
    return _("Nothing is owed on it.")


UNSETTLED = {
    reconciling.WentOut: N_("{reference} is money that went out."),
    reconciling.SettledAlready: N_("{reference} is settled already."),
    reconciling.NoPayout: N_("{reference} is no money that a provider paid out."),
    reconciling.NoArrival: N_("{reference} is no money that came to the bank."),
    reconciling.NotOfProvider: N_("{reference} is no money that {provider} paid out."),
    reconciling.WasUsed: N_("The money of {reference} was used. Take back what it paid for first."),
    reconciling.NotDenied: N_("No statement that was read says that {reference} never came."),
    reconciling.CameBySay: N_("Two people have said how much {reference} was: it came."),
    reconciling.ToldAnew: N_("{reference} was taken out of the books before, and was told of since: it came."),
}
Say = Callable[[Any, Company], str]
# The nearest kind comes first.
SAY: dict[tuple[type[Exception], ...], Say] = {
    (SamePerson,): lambda refusal, _company: _(
        "{name} asked for it: another one of the office has to agree.", name=refusal
    ),
    (AboutOneself,): lambda _refusal, _company: _("It is about how you sign in: somebody else has to agree."),
    (OtherAmount,): lambda refusal, company: _(
        "It is {amount} by now: look at it again.", amount=company.money(refusal.amount)
    ),
    (NotTakenBack,): _of_sale,
    (MoreThanHeld,): lambda refusal, company: _("The agent held {amount}.", amount=company.money(refusal.held)),
    (NothingProposed,): lambda _refusal, _company: _("Nobody has said yet how much it was."),
    (NotDisputed,): lambda _refusal, _company: _("It is settled already."),
    (NoClaim,): lambda refusal, company: _("The customer owes {amount}.", amount=company.money(refusal.owed)),
    (NoReason,): lambda _refusal, _company: _("Say why."),
    (NotWaiting, proposals.Decided): lambda _refusal, _company: _("Somebody else has decided it already."),
    (proposals.AskedAlready,): lambda refusal, _company: _(
        "{name} asked for it already: it waits for a second person.", name=refusal.by
    ),
    (NoSuchPayment,): lambda _refusal, _company: _(
        "Nothing of this payment waits any more: somebody else has assigned it."
    ),
    (NotAsked,): lambda _refusal, _company: _(
        "Nobody asks for it any more: it is decided, or one of the two has another role by now."
    ),
    (NotSoMuch,): lambda refusal, company: _("The credit is {amount}.", amount=company.money(refusal.there)),
    (NobodySays,): lambda _refusal, _company: _("Nobody says this amount."),
    (NeverCame,): lambda _refusal, _company: _("It is out of the books: no statement has it."),
    (NotPutRight,): lambda _refusal, _company: _("All say the same of it, or it was looked at already."),
    (NotSettled,): lambda refusal, _company: _(UNSETTLED[type(refusal)], **vars(refusal)),
    (wallets.NotToppedUp,): _of_wallet,
    (ownership.NotDone,): _of_device,
}
