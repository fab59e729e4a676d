"""An agent registers a customer, with a device (a meter, a solar home system, an e-bike) or with none yet."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from bot.company import Company
from bot.message import Copy, Reply
from bot.talks import Chat, drafts, talk
from bot.text import Text, _, joined, shorten, verbatim
from handlers.customers.questions import (
    NO_PHONE,
    FreeSerial,
    FullName,
    OwnersPhone,
    Reached,
    request_hash,
    why_not_free,
)
from handlers.fields.languages import NAMES, language_names
from handlers.fields.naming import on_a_list
from handlers.selling.how_to_buy import how_by_phone
from handlers.wording import fitting, owner, owner_named
from models.customers import registration
from models.customers.registration import Form, Labels, Registered
from models.devices import DeviceModel, Kind, Tariff
from models.devices.connections import (
    ConnectionGroup,
    ConnectionType,
    LabelChoices,
    MeterType,
    SubConnectionType,
    label_choices,
    sub_types_of,
)
from models.messages import MessageKind
from models.people import Customer, Role, Village

Named = TypeVar("Named", MeterType, ConnectionGroup, ConnectionType, SubConnectionType, DeviceModel, Tariff, Village)
NOTHING = "none"
KINDS = [
    (Kind.METER.value, _("Meter")),
    (Kind.SHS.value, _("Solar home system")),
    (Kind.EBIKE.value, _("E-bike")),
    (NOTHING, _("No device yet")),
]
KIND_WORDS = {
    Kind.SHS.value: ("SOLA", "SOLAIRE"),
    Kind.EBIKE.value: ("MOTO", "MOTORBIKE", "BIKE", "PIKIPIKI", "BAISKELI", "BABUR"),
    NOTHING: NO_PHONE,
}
WHICH_SERIAL = _("Serial number?")
CONSENT = "2"  # the version of the words in _question: another wording is another version
NEW = "new"
LABEL = 24  # septets of a name that the office gave, on a list
LONGEST_PLAN = 13  # and in a sentence
TYPE, USUAL = "connection type", "usual"
LONGEST_TYPE, LONGEST_USUAL = 16, 34  # of a connection type and of what is usual for it, on a list
DAY_MINUTES = 24 * 60


@talk(
    "register",
    roles={Role.AGENT},
    words={
        "en": ("REG", "REGISTER", "NEWCUSTOMER", "ADDCUSTOMER"),
        "sw": ("SAJILI", "MTEJAMPYA"),
        "fr": ("INSCRIRE", "NOUVEAUCLIENT"),
        "pt": ("REGISTAR", "REGISTRAR", "NOVOCLIENTE"),
        "ha": ("RAJISTA", "RIJISTA", "SABONCINIKI"),
    },
    menu=_("Register"),
    usage=_("name, phone, kind, serial, village"),
    example="Amina Juma, 0712345678, meter, 04700123450, Mtwara, household",
    nothing=_("Not registered."),
    commas=True,
    open_minutes=DAY_MINUTES,
    drafts=True,
)
async def register(chat: Chat) -> Reply:
    villages = await registration.villages_of(chat.agent.mini_grid_id)
    if not villages:
        none = _("Not registered. Your mini-grid has no village yet. Call {help}.", help=chat.company.help_phone)
        chat.stop(none)
    await drafts.offer(chat, _unfinished)
    form = await _ask_form(chat, villages)
    if not await chat.confirm(_question(form)):
        return chat.end(_("Not registered."), outcome="declined")
    try:
        done = await registration.register(form, agent=chat.agent, key=chat.key, vault=chat.company.vault)
    except registration.NotFree as refusal:  # somebody was quicker: all that was said of the person still holds
        why = why_not_free(refusal, form.serial, chat.company)
        chat.ask_again(FreeSerial.name, WHICH_SERIAL, _("Not registered. {why}", why=why))
    return chat.end(_receipt(done, chat), also=_messages(done, chat), outcome="registered")


def _unfinished(answers: Mapping[str, Any]) -> Text:
    """A draft on a list: whose, and which device as far as it is known."""
    name, _space, surname = str(answers["name"]).partition(" ")
    return verbatim(" ".join([owner_named(name, surname), *answers.get("serial", [])[:1]]))


async def _ask_form(chat: Chat, villages: Sequence[Village]) -> Form:
    name, surname = await chat.ask(FullName(_("Name and surname?")))
    reached = await chat.ask(OwnersPhone(_("Phone number, or none?")))
    said = await chat.choose("kind", _("Which device?"), KINDS, words=KIND_WORDS)
    kind, person = None if said == NOTHING else Kind(said), (name, surname, reached.said, said)
    serial, request = await chat.ask(FreeSerial(WHICH_SERIAL, kind, person)) if kind else ("", "")
    village = await _choose_row(chat, "village", _("Village?"), villages)
    request = request or request_hash(chat.company, *person, village.name)
    if earlier := await registration.find_repeated(chat.agent, request):
        chat.stop(_receipt(earlier, chat))
    tariff, labels = await _ask_labels(chat) if kind is Kind.METER else (None, None)
    model = await _choose_model(chat, await registration.fitting_models(serial, kind)) if kind else None
    usual = reached.known[0].language if reached.known else ""
    language = await _choose_language(chat, ask=bool(reached.phone and not reached.known), usual=usual)
    return Form(
        customer=await _ask_same_person(chat, reached) if reached.known else None,
        name=name,
        surname=surname,
        phone=reached.phone or None,
        language=language,
        village=village,
        kind=kind,
        serial=serial,
        model=model,
        tariff=tariff,
        labels=labels,
        consent=CONSENT,
        request=request,
        today=chat.company.today(),
    )


async def _ask_labels(chat: Chat) -> tuple[Tariff | None, Labels]:
    """Tariff and labels, in the order in which the office brought them in. What is usual for a connection type is one
    choice; one line that names the type alone means the same."""
    of = await label_choices()
    usual = await _choose_usual(chat, [one for one in of.types if _is_settled(one, of)])
    type_ = usual or await _choose_if_any(chat, TYPE, _("Connection type?"), of.types)
    subs = await sub_types_of(type_) if type_ else []
    sub_type = await _choose_if_any(chat, "sub connection type", _("Sub connection type?"), subs)
    if usual:
        return usual.usual_tariff, Labels(usual.usual_meter_type, usual.usual_group, usual, sub_type)
    plan = await _choose_if_any(chat, "tariff", _("Tariff?"), of.tariffs, type_.usual_tariff if type_ else None)
    usual_meter_type = type_.usual_meter_type if type_ else None
    meter_type = await _choose_if_any(chat, "meter type", _("Meter type?"), of.meter_types, usual_meter_type)
    group = await _choose_if_any(chat, "group", _("Connection group?"), of.groups, type_.usual_group if type_ else None)
    return plan, Labels(meter_type, group, type_, sub_type)


def _is_settled(one: ConnectionType, of: LabelChoices) -> bool:
    """Whether there is something usual for everything that would be asked."""
    answers = ((one.usual_tariff, of.tariffs), (one.usual_meter_type, of.meter_types), (one.usual_group, of.groups))
    return all(usual in rows if rows else usual is None for usual, rows in answers)


async def _choose_usual(chat: Chat, types: Sequence[ConnectionType]) -> ConnectionType | None:
    """The connection type with all that is usual for it; None for something else. Whoever names a type in one line is
    not asked."""
    in_line = chat.behind_keyword(TYPE) or chat.given(TYPE)
    if not types or (in_line and not chat.given(USUAL)):
        return None
    options = [(f"{USUAL} {one.name}", _usual_label(one, chat.company)) for one in types]
    words = {f"{USUAL} {one.name}": (one.name,) for one in types}
    chosen = await chat.choose(USUAL, _("Connection?"), [*options, (NEW, _("Other"))], words=words)
    return next((one for one in types if chosen == f"{USUAL} {one.name}"), None)


def _usual_label(one: ConnectionType, company: Company) -> Text:
    price = company.number(one.usual_tariff.full_price) if one.usual_tariff else ""
    parts = [price, *(row.name for row in (one.usual_meter_type, one.usual_group) if row)]
    what = shorten(", ".join(filter(None, parts)), LONGEST_USUAL)
    return _("{type}, usual ({what})", type=shorten(one.name, LONGEST_TYPE), what=what)


async def _choose_if_any(
    chat: Chat, name: str, prompt: Text, rows: Sequence[Named], usual: Named | None = None
) -> Named | None:
    return await _choose_row(chat, name, prompt, rows, usual) if rows else None


async def _choose_row(chat: Chat, name: str, prompt: Text, rows: Sequence[Named], usual: Named | None = None) -> Named:
    """One of the rows that the office made, by its name. A dialogue does not ask for the only one."""
    if len(rows) == 1 and not chat.may_volunteer(name):
        return rows[0]
    options = [(row.name, verbatim(shorten(row.name, LABEL))) for row in rows]
    chosen = await chat.choose(name, prompt, options, otherwise=usual.name if usual and usual in rows else None)
    return next(row for row in rows if row.name == chosen)


async def _choose_model(chat: Chat, fitting: Sequence[DeviceModel]) -> DeviceModel | None:
    """Asked only when more than one fits."""
    if len(fitting) < 2:
        return fitting[0] if fitting else None
    options = [(one.name, verbatim(shorten(f"{one.manufacturer} {one.name}", LABEL))) for one in fitting]
    chosen = await chat.choose("model", _("Model?"), options)
    return next(one for one in fitting if one.name == chosen)


async def _choose_language(chat: Chat, *, ask: bool, usual: str) -> str:
    """The customer's language. It is asked only for a phone that nobody has yet; one line may name it anyway, and means
    the agent's where it does not."""
    languages = chat.company.languages
    if len(languages) == 1:
        return languages[0]
    options = [(code, verbatim(NAMES[code])) for code in languages]
    otherwise = next(one for one in (usual, chat.language, languages[0]) if one in languages)
    if not (ask or chat.may_volunteer("language")):
        return otherwise
    return await chat.choose(
        "language", _("Language of the customer?"), options, otherwise=otherwise, words=language_names(languages)
    )


async def _ask_same_person(chat: Chat, reached: Reached) -> Customer | None:
    """Whether somebody who has this number gets the device, or somebody else who shares the phone (None)."""
    chat.no_more()
    options = [*((str(one.id), on_a_list(one)) for one in reached.known), (NEW, _("Somebody else"))]
    chosen = await chat.choose("same person", _("{phone} is known. Same person?", phone=reached.said), options)
    return next((one for one in reached.known if str(one.id) == chosen), None)


def _question(form: Form) -> Text:
    """The question by which the customer agrees. Another wording is another version of CONSENT."""
    who = owner(form.customer) if form.customer else owner_named(form.name, form.surname)
    if form.kind is None:
        return _("Register {owner}? Customer agrees that we keep name, phone and payments.", owner=who)
    return _(
        "Register {owner}, {serial}{plan}? Customer agrees that we keep name, phone and payments.",
        owner=who,
        serial=form.serial,
        plan=_tariff_part(form.kind, form.tariff),
    )


def _receipt(done: Registered, chat: Chat) -> Text:
    if (device := done.device) is None:
        return _(
            "REGISTERED {owner}, customer {number}. To sell: {sell} {number}, item",
            owner=owner(done.customer),
            number=done.customer.id,
            sell=chat.commands.by_name["sell"].keyword,
        )
    return _(
        "REGISTERED {owner}, customer {number}, {serial}{plan}. To sell: {buy} {serial} amount",
        owner=owner(done.customer),
        number=done.customer.id,
        serial=device.serial,
        plan=_tariff_part(device.kind, device.tariff),
        buy=chat.commands.by_name["buy"].keyword,
    )


def _tariff_part(kind: str | None, plan: Tariff | None) -> str:
    """What was chosen for a meter, as a part of a sentence; other devices came with their tariff."""
    return f", {shorten(plan.name, LONGEST_PLAN)}" if plan and kind == Kind.METER else ""


def _messages(done: Registered, chat: Chat) -> list[Copy]:
    """The customer's welcome; and for the agent, as an SMS, what the dialled session showed last."""
    customer, messages = done.customer, chat.also_by_sms(_receipt(done, chat))
    if customer.phone:
        messages.append(Copy(customer.phone, welcome(done, chat.company), MessageKind.REPLY, customer.language))
    return messages


def welcome(done: Registered, company: Company) -> Text:
    """What the customer reads first."""
    if done.device is None:
        return _(
            "Welcome to {company}! You are customer {number}. Tell the agent this number when you buy. Help {help}",
            company=company.name,
            number=done.customer.id,
            help=company.help_phone,
        )
    if by_phone := how_by_phone(done.customer.phone or "", company):
        return _welcome_by_phone(done.customer, done.device.serial, by_phone, company)
    return _(
        "Welcome to {company}! To buy, pay an agent and say {serial}. "
        "Your code comes by SMS. Lost it? Send TOKEN. Help {help}",
        company=company.name,
        serial=done.device.serial,
        help=company.help_phone,
    )


def _welcome_by_phone(customer: Customer, serial: str, by_phone: Text, company: Company) -> Text:
    """The same for a phone that can be asked to pay: how to buy with it, and from an agent where one SMS has room."""
    greeting, help_ = _("Welcome to {company}!", company=company.name), _("Help {help}", help=company.help_phone)
    from_agent = _("Or pay an agent and say {serial}.", serial=serial)
    both, alone = joined([greeting, by_phone, from_agent, help_]), joined([greeting, by_phone, help_])
    return fitting(customer.language, [both, alone])
