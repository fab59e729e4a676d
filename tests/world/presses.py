"""Every form of the desk, pressed once or in each of its ways: where it stands, what is typed, what the page says then.

They are pressed one after the other in the office of `full_desk.py`, so the order is the order of work: who asks comes
before who agrees. Braces are gaps that the desk fills (`FACTS`).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from models.demo.world import CLERK, OFFICE_PASSWORD, OFFICE_USER
from tests.world.browser import PASSWORD, Office
from tests.world.full_desk import CODED, SECOND, put_clock_in_doubt

PASSWORDS = {OFFICE_USER: OFFICE_PASSWORD, CLERK: OFFICE_PASSWORD, CODED: PASSWORD, SECOND: PASSWORD}
GUESTS = ("a guest", "another guest")  # who have not signed in
WHY = {"reason": "she called"}
TARIFF_FILE = b"name,unit,price\nHill shop,days,1500\n"
STATEMENT_FILE = (
    b"Receipt No.,Completion Time,Details,Transaction Status,Paid In,Withdrawn,Other Party Info,A/C No.\n"
    b"RKL9,01-11-2026 10:00:01,Pay Bill,Completed,900.00,,254799999999 - SOMEBODY,rent\n"
)


@dataclass(frozen=True, kw_only=True)
class Press:
    """One form. A field is named as in the form; True ticks a box, bytes are a file."""

    at: str  # the page
    to: str = ""  # where its form leads; the page itself where it does not say
    typed: Mapping[str, str | bool | bytes] = field(default_factory=dict)
    button: str = ""  # its words, where the form has several buttons
    hidden: str = ""  # `do=take`: the hidden field that tells this form from another one to the same place
    late: bool = False  # whether the session ends while the form is filled in
    says: str  # on the page that answers
    asks: str = ""  # before it is sent, where there is script
    who: str = OFFICE_USER
    before: Callable[[Office], Awaitable[object]] | None = None


async def end_sessions(office: Office) -> None:
    """Half an hour goes by."""
    await office.ask("UPDATE office_session SET seen_at = seen_at - 1860000")


async def refuse_all(office: Office) -> None:
    """What was asked for is decided."""
    await office.ask("UPDATE proposal SET state = 'refused', decided_by = 'test' WHERE state = 'asked'")


SALOME, FATUMA, ELIA = "/people/agents/{salome}", "/people/agents/{fatuma}", "/people/{elia}"
TARIFFS, RECEIPTS = "/settings/prices/tariffs", "/settings/receipts"
STATEMENT, VOIDS, PAID = "/money/reconcile?provider=daraja", "/money/voids", "/money/payments/{payment}"
GIVE = "/people/{pendo}/devices/{hill5}/give"
REHEMA, MUSA = "/people/{rehema}/devices/{hill7}", "/people/{musa}/devices/{hill6}"
TICKET, PHONE = "/tickets/K{asked}", "/settings/phones/{phone}"
GATEWAYS, SWITCHES, USERS = "/settings/gateways", "/settings/switches", "/settings/users"
ASKED = "It is written down. Another one of the office has to agree: it waits under"
SURE, DONE = "Do it? It cannot be undone.", "It is done. Whose sale, device, plan or cash it is gets an SMS."
OF_FINANCE = {"whom": "Juma Hassan", "role": "finance"}

OF_HOME = (
    Press(at="/", to="/home/try-again", says="It is tried again"),
    Press(at="/", to="/home/take", says="It is with admin of the office."),
    Press(at="/", to="/home/clock", before=put_clock_in_doubt, asks="Is it ", says="The clock is taken as right."),
)
WITH = "/messages/with/2557100001"
OF_MESSAGES = (
    Press(at=f"{WITH}04", to=f"{WITH}04", typed={"text": "Your code comes"}, says="Written. It is below"),
    Press(at=f"{WITH}02", to=f"{WITH}02/answered", says="Marked as answered."),
    Press(at=ELIA, to="/messages/to/{elia}", typed={"text": "Hello"}, says="It is on its way."),
    Press(at="/messages/{failed}", to="/messages/{failed}/again", says="This is the message that is sent again."),
    Press(
        at="/messages/{waiting}",
        to="/messages/{waiting}/back",
        asks="Take it back? It does not go then.",
        says="It was taken back and does not go.",
    ),
    Press(at="/write", to="/write", typed={"text_en": "No power", "tag": "school"}, says="Before it goes"),
    Press(at="", to="/write/send", button="Send to 1 person", says="Written to many"),
    Press(at="/write/{many}", to="/write/{many}/stop", asks="Stop it? What waits is taken back", says="Stopped"),
    Press(
        at="/settings/words",
        to="/settings/words",
        typed={"word": "JAZA", "command": "BUY"},
        says="From now on this word works",
    ),
    Press(at="/settings/words", to="/settings/words/{word}/remove", says="It means nothing any more."),
)
OF_PEOPLE = (
    Press(at=f"{ELIA}/change", to=f"{ELIA}/change", typed={"surname": "Massanja"}, says="Changed."),
    Press(at=ELIA, to=f"{ELIA}/tags", typed={"tag": "clinic"}, button="Put on", says="The tags are changed."),
    Press(at=ELIA, to=f"{ELIA}/tags", hidden="do=remove", says="The tags are changed."),
    Press(at=ELIA, to=f"{ELIA}/code#device-{{hill4}}", typed=WHY, says="Shown once; it is noted who saw it."),
    Press(at="/people/{rashidi}", to="/people/{rashidi}/credit", typed={"amount": "1000"} | WHY, says="Asked."),
    Press(
        at=f"{ELIA}/devices/{{hill4}}/swap",
        to=f"{ELIA}/devices/{{hill4}}/swap",
        typed={"serial": "{spare}"} | WHY,
        says="Swapped.",
    ),
    Press(at=GIVE, to=GIVE, typed={"to": "#{musa}"} | WHY, says="To: Musa Chande"),
    Press(at="", to=GIVE, says="The device belongs to this customer now"),
    Press(at=f"{REHEMA}/return", to=f"{REHEMA}/return", typed=WHY, says="The device is in stock again"),
    Press(at=f"{MUSA}/retire", to=f"{MUSA}/retire", typed=WHY, says="The device is out of use"),
)
OF_COUNTER = (
    Press(
        at="/register",
        to="/register",
        typed={"name": "Halima Omari", "phone": "0754 000 111", "village": "Naliendele Hill: Hilltop", "kind": "none"},
        button="Check",
        says="Register this customer?",
    ),
    Press(at="", to="/register", typed={"consent": True}, button="Register", says="Halima Omari"),
    Press(at="/sell?serial=HILL009", to="/sell", typed={"amount": "3000"}, says="Sell this?"),
    Press(at="", to="/sell", hidden="do=sell", says="Sold for TZS 3,000"),
    Press(
        at="/sell/goods?person={daudi}",
        to="/sell/goods",
        typed={"customer": "#{daudi}", "offer": "Radio, cash, TZS 15,000"},
        says="Sell this?",
    ),
    Press(at="", to="/sell/goods", hidden="do=sell", says="Sold"),
    Press(at="/money/till", to="/money/till", typed={"amount": "1000", "reference": "slip 7"}, says="Booked:"),
)
OF_AGENTS = (
    Press(
        at="/people/agents/new",
        to="/people/agents/new",
        typed={"name": "Asha Mushi", "phone": "0712 000 001", "limit": "200000"},
        says="Added.",
    ),
    Press(at=SALOME, to=f"{SALOME}/commission", typed={"amount": "1000"}, says="Paid out."),
    Press(at=SALOME, to=f"{SALOME}/cash", typed={"amount": "2000"}, says="Booked."),
    Press(at=SALOME, to=f"{SALOME}/terms", typed={"limit": "160000"}, says="Changed."),
    Press(at=SALOME, to=f"{SALOME}/details", typed={"name": "Salome Katto"}, says="Changed."),
    Press(at=SALOME, to=f"{SALOME}/phone", typed={"phone": "0710 000 201"}, says="Changed."),
    Press(at=SALOME, to=f"{SALOME}/pin", typed={"sure": True}, says="A new PIN goes to the phone by SMS."),
    Press(at=SALOME, to=f"{SALOME}/lock", typed=WHY, says="Locked:"),
    Press(at=SALOME, to=f"{SALOME}/unlock", typed=WHY, says="Unlocked:"),
    Press(
        at=SALOME, to=f"{SALOME}/settle", typed={"amount": "1500"}, button="Propose", who=CLERK, says="Written down."
    ),
    Press(at=SALOME, to=f"{SALOME}/settle", button="Agree", says="Settled."),
    Press(at=FATUMA, to=f"{FATUMA}/topup", typed={"amount": "5000"}, says="The wallet is topped up."),
    Press(at=FATUMA, to=f"{FATUMA}/payout", typed={"amount": "1000"} | WHY, says="Written down."),
    Press(
        at="/people/agents/{hamisi}",
        to="/people/agents/{hamisi}/retire",
        typed={"sure": True, "with_cash": True},
        says="Retired.",
    ),
)
OF_DECISIONS = (
    Press(at="/money/sales/{now0}", to="/money/sales/{now0}/token", typed=WHY, says="Token:"),
    Press(at="/money/sales/{now4}", to="/money/sales/{now4}/void", typed=WHY, who=CLERK, says=ASKED),
    Press(at=VOIDS, to="/money/voids/{void}", hidden="do=refuse", says="It is not done."),
    Press(  # of a sale of Hamisi's, who has left
        at=VOIDS, to="/money/voids/{void}", hidden="do=approve", asks=SURE, says="give the customer the cash out of the"
    ),
    Press(
        at="/money/sales/{now5}",
        to="/money/sales/{now5}/move",
        typed={"serial": "HILL010"} | WHY,
        who=CLERK,
        says=ASKED,
    ),
    Press(at=VOIDS, to="/money/proposals/{asked_by_rehema}", hidden="do=approve", asks=SURE, says=DONE),
    Press(
        at=VOIDS,
        to="/money/transfer",
        typed={"serial": "HILL009", "customer": "{daudi}"} | WHY,
        says="It is written down.",
    ),
    Press(at=VOIDS, to="/money/proposals/{asked_by_admin}", hidden="do=refuse", who=CLERK, says="It is not done."),
    Press(at=VOIDS, to="/money/write-off", typed={"number": "{plan}"} | WHY, who=CLERK, says="It is written down."),
    Press(at=VOIDS, to="/money/write-offs/{writeoff}", hidden="do=approve", asks=SURE, says=DONE),
    Press(
        at="/money/handins",
        to="/money/handins/{handin}",
        typed={"amount": "9000"},
        button="Say so",
        who=CLERK,
        says="It is written down.",
    ),
    Press(at="/money/handins", to="/money/handins/{handin}", hidden="do=agree", asks="Settle it?", says="It is set"),
)
OF_MONEY = (
    Press(at=PAID, to=f"{PAID}/care", hidden="do=take", says="You find out what it is for."),
    Press(at=PAID, to=f"{PAID}/care", hidden="do=leave", says="Nobody looks after it now."),
    Press(at=f"{PAID}?q=HILL009", to=f"{PAID}/assign", typed={"to": "device HILL009"}, says="It is assigned"),
    Press(
        at="/money/payments/{doubtful}",
        to="/money/payments/{doubtful}/amount",
        typed={"right": "400000"} | WHY,
        says=ASKED,
    ),
    Press(at=STATEMENT, to="/money/reconcile/lines/{line}?", hidden="do=take", says="It is booked as a payment."),
    Press(
        at=STATEMENT,
        to="/money/reconcile/lines/{line}?",
        hidden="do=leave",
        typed={"why": "a loan"},
        says="It is left out of the books.",
    ),
    Press(at=STATEMENT, to="/money/reconcile/lines/{out}?", hidden="do=payout", says="It is booked as paid out"),
    Press(
        at=STATEMENT,
        to="/money/reconcile/payments/{unseen}?",
        typed={"why": "they know nothing"},
        says="The payment is out of the books.",
    ),
    Press(
        at=STATEMENT,
        to="/money/reconcile",
        typed={"provider": "daraja", "file": STATEMENT_FILE},
        says="The statement is read.",
    ),
    Press(
        at="/money/requests",
        to="/money/requests/{push}",
        hidden="do=again",
        says="The provider is asked again",
    ),
    Press(
        at="/money/requests",
        to="/money/requests/{push1}",
        hidden="do=receipt",
        typed={"reference": "QK73HILL01"},
        says="It is booked, and everybody is told by SMS.",
    ),
    Press(
        at="/money/requests",
        to="/money/requests/{push2}",
        hidden="do=park",
        asks="Is there no payment on the portal?",
        says="It is put aside.",
    ),
    Press(
        at="/money/receipts",
        to="/money/receipts/{receipt}",
        hidden="do=accept",
        typed={"seen": True},
        says="It is booked as a payment.",
    ),
    Press(at="/money/receipts", to="/money/receipts/{receipt}", hidden="do=refuse", says="It is no payment."),
    Press(at="/money/receipts", to="/money/receipts", typed={"text": "hello"}, says="No rule fits it."),
    Press(at="/money/claims", to="/money/claims/{claim}/paid", typed={"amount": "500"}, says="It is booked"),
    Press(at="/money/claims", to="/money/claims/{claim}/write-off", typed=WHY, says=ASKED),
    Press(at="/money/wallets", to="/money/wallets/{fatuma}/topup", typed={"amount": "2000"}, says="It is booked"),
    Press(
        at="/money/wallets",
        to="/money/wallets/{fatuma}/payout",
        typed={"amount": "500"} | WHY,
        before=refuse_all,
        who=CLERK,
        says=ASKED,
    ),
    Press(
        at="/money/close?day={yesterday}&of=agent+{salome}",
        to="/money/close",
        button="Close this day",
        asks="Close this day?",
        says="The day is closed",
    ),
    Press(
        at="/money/close?day={yesterday}",
        to="/money/close",
        button="Close the day of all",
        asks="Close the whole day? Nothing can be booked into it any more.",
        says="The day is closed",
    ),
    Press(at="/money/close", to="/money/books", says="The books"),
)
OF_TICKETS = (
    Press(at="/tickets/new?person={rehema}", to="/tickets/new", typed={"words": "It hums"}, says="The ticket is open."),
    Press(at=TICKET, hidden="do=comment", typed={"comment-words": "We come tomorrow"}, says="Sent to"),
    Press(at="/tickets/K{free}", hidden="do=ask", says="The customer is asked."),
    Press(at=TICKET, hidden="do=close", typed={"close-words": "mended"}, says="The ticket is closed."),
    Press(at=TICKET, hidden="do=reopen", typed={"reopen-words": "not mended"}, says="The ticket is open again."),
    Press(at=TICKET, hidden="do=assign", typed={"assign-to": "admin, office"}, says="Saved. Sent to"),
)
OF_SETTINGS = (
    Press(at=TARIFFS, to=TARIFFS, typed={"name": "Shop daily", "price": "1500"}, says="It is kept."),
    Press(at=TARIFFS, to=f"{TARIFFS}/file", typed={"file": TARIFF_FILE}, says="1 row is in order."),
    Press(at="", to=f"{TARIFFS}/apply", says="1 rows read, 1 new or changed."),
    Press(at=RECEIPTS, to=f"{RECEIPTS}/try", typed={"text": "hello"}, says="No rule fits it."),
    Press(
        at=RECEIPTS,
        to=RECEIPTS,
        typed={
            "name": "Kisiwa pay",
            "operator": "kisiwa",
            "sender": "KISIWA",
            "template": "[reference] confirmed: [amount] from [phone]",
        },
        says="The rule counts now.",
    ),
    Press(at=RECEIPTS, to=f"{RECEIPTS}/remove", says="The rule is removed."),
    Press(at=RECEIPTS, to=f"{RECEIPTS}/off", says="The rule is left out."),
    Press(at=RECEIPTS, to=f"{RECEIPTS}/on", says="The rule is used."),
    Press(at="/settings/company", typed={"company": "Umeme Kilima"}, says="This counts now."),
    Press(at="/settings/company", to="", button="As configured", says="This counts now."),
    Press(
        at="/settings/texts/en/{sentence}",
        typed={"said": "Never tell your PIN."},
        says="It is said so",
    ),
    Press(at=GATEWAYS, to=f"{GATEWAYS}/order", button="Earlier: ", says="This order counts now."),
    Press(at=GATEWAYS, to=f"{GATEWAYS}/try", typed={"phone": "0710 000 001"}, says="+255710000001"),
    Press(at=GATEWAYS, to=f"{GATEWAYS}/test", says="The test has left."),
    Press(at="/settings/phones", to="/settings/phones", typed={"name": "Other phone"}, says="Waiting for Other phone"),
    Press(at=PHONE, to=f"{PHONE}/pause", says="It gets no more messages."),
    Press(at=PHONE, to=f"{PHONE}/resume", says="It gets messages again."),
    Press(at=PHONE, to=f"{PHONE}/sim", typed={"phone": "0754 000 111"}, says="The number is kept."),
    Press(at=PHONE, to=f"{PHONE}/bind", says="Its texts become payments from now on."),
    Press(at=PHONE, to=f"{PHONE}/unbind", says="Its texts become no payments any more."),
    Press(at=PHONE, to=f"{PHONE}/rename", typed={"name": "Shop phone"}, says="It has its new name."),
    Press(at=PHONE, to=f"{PHONE}/unlink", typed={"sure": True}, says="The phone is shut out."),
    Press(at="/settings/backup", to="/settings/backup", says="read again and found whole"),
    Press(at=SWITCHES, to=SWITCHES, hidden="switch=sales", typed={"sales-reason": "she called"}, says="It is off."),
    Press(at=SWITCHES, to=SWITCHES, hidden="switch=sales", says="It is on."),
)
OF_USERS = (
    Press(at=USERS, to=f"{USERS}/invite", typed={"whom": "Rehema Hassan"}, says="The link is below."),
    Press(
        at="/invitation/{token}",
        typed={"name": "neema", "password": PASSWORD, "again_password": PASSWORD},
        who=GUESTS[0],
        says="Home",
    ),
    Press(at=USERS, to="/settings/invitations/{invited}/withdraw", says="The link works no more."),
    Press(at=USERS, to=f"{USERS}/invite", typed=OF_FINANCE, says="It is written down. Another one who moves money"),
    Press(at=VOIDS, to="/money/promotions/{promotion}", button="Take it back", says="It is not done."),
    Press(at=USERS, to=f"{USERS}/invite", typed=OF_FINANCE, says="It is written down. Another one who moves money"),
    Press(at=VOIDS, to="/money/promotions/{promotion}", button="Agree", asks=SURE, who=CLERK, says="The link is made."),
    Press(at=USERS, to=f"{USERS}/{{second}}/role", typed={"role": "auditor"}, says="The role is changed."),
    Press(at=USERS, to=f"{USERS}/{{second}}/password", says="The link is below."),
    Press(
        at=USERS,
        to=f"{USERS}/{{second}}/remove",
        asks=f"Remove {SECOND}?",
        says="This person signs in no more.",
    ),
    Press(at="/login", to="/login", typed={"user": CODED, "password": PASSWORD}, who=GUESTS[1], says="The code"),
    Press(at="", to="/login/code", typed={"code": "{totp}"}, who=GUESTS[1], says="Home"),
    Press(at="/me", to="/me/recovery-codes", typed={"password": PASSWORD}, who=GUESTS[1], says="Your recovery codes"),
    Press(at=USERS, to=f"{USERS}/{{coded}}/second-factor", says="The second factor is taken away."),
)
OF_ME = (
    Press(at="/me", to="/me/sessions/{session}", says="The session is ended."),
    Press(at="/me", to="/me/sessions", says="All other sessions are ended."),
    Press(at="/me", to="/me/language", typed={"language": "en"}, says="The pages are in this language now."),
    Press(
        at="/me/second-factor",
        to="/me/second-factor",
        typed={"code": "{shown}", "password": OFFICE_PASSWORD},
        says="Your recovery codes",
    ),
    Press(
        at="/me",
        to="/me/second-factor/off",
        typed={"code": "{code}", "password": OFFICE_PASSWORD},
        says="The second factor is taken away.",
    ),
    Press(
        at=USERS,
        to=f"{USERS}/invite",
        typed={"whom": "Rehema Hassan"},
        late=True,
        says="What you typed is kept",
    ),
    Press(
        at="",
        to="/login",
        typed={"user": OFFICE_USER, "password": OFFICE_PASSWORD},
        says="What you typed is still here",
    ),
    Press(at="", to="/typed", says="Home"),
    Press(
        at="/me",
        to="/me/password",
        typed={"password": OFFICE_PASSWORD, "new_password": PASSWORD, "again_password": PASSWORD},
        says="Your password is changed",
    ),
    Press(at="/", to="/logout", says="Sign in to the office"),
)
ALL_PRESSES = (
    *(*OF_HOME, *OF_MESSAGES, *OF_PEOPLE, *OF_COUNTER, *OF_AGENTS, *OF_DECISIONS),
    *(*OF_MONEY, *OF_TICKETS, *OF_SETTINGS, *OF_USERS, *OF_ME),
)
