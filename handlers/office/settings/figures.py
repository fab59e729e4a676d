"""The pages of single figures: company, agents, hours, limits. What is set here counts before the configuration."""

from collections.abc import Mapping

from aiohttp import web
from wtforms import SelectField

from bot.changeable import AGENTS, COMPANY, HOURS, LIMITS, find_mistakes, merge_to_start, with_values
from bot.config import LANGUAGES
from bot.server import SERVER
from handlers.office.frame.forms import LineField, OfficeForm
from handlers.office.frame.page import page, redirect
from handlers.office.frame.routes import FORM, OWNER_ONLY, USER, Nav, office_page
from handlers.office.frame.words import N_, _
from handlers.office.settings.typed import read_number
from models.settings import ChangedMeanwhile, change_settings, read_version

PATH = "/settings/{heading:company|agents|hours|limits}"
TITLES = {"company": N_("Company"), "agents": N_("Agents"), "hours": N_("Hours"), "limits": N_("Limits and keeping")}


class CompanyForm(OfficeForm):
    company = LineField(N_("Name, as customers read it"))
    help_phone = LineField(N_("Help number, which people are told to call"))
    languages = LineField(N_("Languages; the first is that of who has none"))
    coin = LineField(N_("Smallest amount of cash; empty is the usual coin of the currency"))
    rounding = SelectField(N_("What cash buys no unit with"))


class AgentsForm(OfficeForm):
    cash_limit = LineField(N_("Cash that a new agent may hold"))
    commission_percent = LineField(N_("Commission of a new agent on payments, percent"))
    goods_commission_percent = LineField(N_("Commission of a new agent on appliances, percent"))
    commission_at = SelectField(N_("Commission on an appliance is earned"))
    void_minutes = LineField(N_("Minutes in which an agent may ask to have a sale taken back; 0 is never"))


class HoursForm(OfficeForm):
    day_from = LineField(N_("Reminders and messages to many go out from, o'clock"))
    day_until = LineField(N_("until, o'clock"))
    morning_hour = LineField(N_("Agents are told what they can sell for at, o'clock; empty is never"))
    summary_hour = LineField(N_("Agents are told of their day at, o'clock; empty is never"))
    cash_request_minutes = LineField(N_("Minutes in which an agent may answer who wants to buy for cash"))


class LimitsForm(OfficeForm):
    sender_cap = LineField(N_("Replies to one number in an hour; 0 is no limit"))
    global_cap = LineField(N_("Replies to all numbers in an hour, by each server; 0 is no limit"))
    retention_days = LineField(N_("Days that the texts of messages are kept"))
    suspense_days = LineField(N_("Days after which money that waits is told to the office"))


FORMS = {"company": CompanyForm, "agents": AgentsForm, "hours": HoursForm, "limits": LimitsForm}
FIGURES = {"company": COMPANY, "agents": AGENTS, "hours": HOURS, "limits": LIMITS}
CHOICES = {
    "rounding": {"credit": N_("stays the customer's credit"), "refuse": N_("is refused")},
    "commission_at": {"payment": N_("with each payment"), "signing": N_("all of it at the signing")},
}
# What is said beside a figure that cannot be; the configuration's own words are for who writes its file.
OF_NUMBERS = N_("Write a whole number, 0 to 1000000.")
SAYINGS = {
    "languages": N_("Write some of {languages} with commas between, each once."),
    "company": N_("Write a name of 1 to 20 letters."),
    "help_phone": N_("Write a number of at most 14 digits."),
    "coin": N_("Write an amount, like 50 or 0.50; empty is the usual coin of the currency."),
    "cash_limit": N_("Write a whole amount, like 100000, up to 99999999."),
    "commission_percent": N_("Write percent, like 10 or 7.5, at most 100."),
    "goods_commission_percent": N_("Write percent, like 10 or 7.5, at most 100."),
    "void_minutes": N_("Write minutes, 0 to 1440."),
    "day_from": N_("Write an hour, 0 to 12."),
    "day_until": N_("Write an hour, 13 to 24."),
    "morning_hour": N_("Write an hour, 0 to 23, or nothing."),
    "summary_hour": N_("Write an hour, 0 to 23, or nothing."),
    "cash_request_minutes": N_("Write minutes, 5 to 1440."),
    "retention_days": N_("Write days, 1 to 36500."),
    "suspense_days": N_("Write days, 1 to 36500."),
}


@office_page(PATH, roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def show(request: web.Request) -> web.StreamResponse:
    """The figures under one heading, as they are now."""
    await request.app[SERVER].settings.refresh()  # another server may have changed them this second
    heading = request.match_info["heading"]
    return _draw(request, FORMS[heading].of(request, **_now(request, heading)), await read_version())


@office_page(PATH, "POST", roles=OWNER_ONLY, nav=Nav.SETTINGS)
async def change(request: web.Request) -> web.StreamResponse:
    """Set them, or give one back to the configuration; or the form again with what is wrong."""
    heading, settings = request.match_info["heading"], request.app[SERVER].settings
    await settings.refresh()
    form, seen = FORMS[heading].of(request), read_number(request[FORM].get("seen", ""))
    back = request[FORM].get("back", "")
    if back in FIGURES[heading]:
        wanted: Mapping[str, str | None] = {back: None}
        if _hinders_start(request, wanted):
            form = FORMS[heading].of(request)
            for name, value in _now(request, heading).items():
                form[name].data = value
            form.refuse(back, _("The configuration has none, and no server starts without."))
            return _draw(request, form, seen, 422)
    else:
        typed = {name: str(form[name].data or "").strip() for name in FIGURES[heading]}
        if not _is_right(request, form, typed):
            return _draw(request, form, seen, 422)
        wanted = _differing(request, typed)
    before = _now(request, heading)
    try:
        async with request.app[SERVER].database.work():
            await change_settings(wanted, before, seen=seen, actor=request[USER].name)
    except ChangedMeanwhile:
        await settings.refresh()
        said = _("Somebody else has changed this meanwhile. Look at it again: what you typed is still here.")
        return _draw(request, form, await read_version(), 409, problem=said, others=_now(request, heading))
    await settings.refresh()
    raise redirect(f"/settings/{heading}?done=saved")


def _is_right(request: web.Request, form: OfficeForm, typed: Mapping[str, str]) -> bool:
    """Whether all of it can be set; says beside each figure what is wrong."""
    wrong = list(find_mistakes(request.app[SERVER].settings.given, typed))
    if not wrong:
        wrong = [name for name, value in typed.items() if _hinders_start(request, {name: value})]
    for name in wrong:
        form.refuse(name, _(SAYINGS.get(name, OF_NUMBERS), languages=",".join(LANGUAGES)))
    return not wrong


def _hinders_start(request: web.Request, wanted: Mapping[str, str | None]) -> bool:
    """Whether a server that stops would not start again with this."""
    settings = request.app[SERVER].settings
    changed = {name: value for name, value in {**settings.set, **wanted}.items() if value is not None}
    before = merge_to_start(settings.given, settings.set).problems()
    return any(problem not in before for problem in merge_to_start(settings.given, changed).problems())


def _differing(request: web.Request, typed: Mapping[str, str]) -> dict[str, str | None]:
    """What differs from how it is, as the configuration would keep it: `0800 111` is `0800111`."""
    settings = request.app[SERVER].settings
    read = with_values(settings.given, typed)
    return {
        name: str(getattr(read, name))
        for name in typed
        if str(getattr(read, name)) != str(getattr(settings.config, name))
    }


def _now(request: web.Request, heading: str) -> dict[str, str]:
    """The figures as they count now."""
    config = request.app[SERVER].settings.config
    return {name: str(getattr(config, name)) for name in FIGURES[heading]}


def _draw(
    request: web.Request,
    form: OfficeForm,
    seen: int,
    status: int = 200,
    *,
    problem: str = "",
    others: Mapping[str, str] | None = None,
) -> web.StreamResponse:
    heading, settings = request.match_info["heading"], request.app[SERVER].settings
    for each in form:
        if isinstance(each, SelectField):
            each.choices = [(value, _(said)) for value, said in CHOICES[each.name].items()]
    return page(
        request,
        "settings/figures.html",
        status,
        title=TITLES[heading],
        form=form,
        names=FIGURES[heading],
        seen=seen,
        set_here={name for name in FIGURES[heading] if name in settings.set},
        configured={name: str(getattr(settings.given, name)) for name in FIGURES[heading]},
        problem=problem,
        others=others or {},
    )
