"""What writing to many will mean, before it goes: how many people and SMS, what it costs, when it is done."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.android.to_app import PARTS, PERIOD_MS
from bot.outbound.broadcasts import text_of
from bot.server import Server
from bot.text.gaps import missing
from bot.text.gsm import parts
from models.messages import PREFIX
from models.office.audience import Audience, Overview, look_over, people_numbered
from models.office.written_to_many import cost_of_part
from models.sql import DAY_MS, MINUTE_MS, now_ms

UNPACED = 10  # parts in a second that a gateway without a pace is thought to take
STEP_MS = 10 * MINUTE_MS  # how exactly the end is reckoned
LONGEST_MS = 60 * DAY_MS
CENTS_BELOW = 100  # units of a currency: gateways charge in dollars too


@dataclass(frozen=True, slots=True)
class Preview:
    """All that is said before it goes."""

    people: int
    without_phone: int
    stopped: int
    unfilled: int  # for whom a gap has nothing to be filled with
    messages: int
    parts: int
    is_exact: bool  # every figure
    all_counted: bool  # of the people, their phones and STOP
    cost: str  # empty where the gateways do not say what they charge
    done_at: int  # ms; 0 when nothing carries it, or it takes longer than anybody waits
    gateways: list[str]  # by which it goes, as the office knows them
    example: str  # what the first of them reads


async def preview(server: Server, audience: Audience, texts: Mapping[str, str]) -> Preview:
    """What writing this to these people means."""
    overview = await look_over(audience, server.company.today())
    await server.router.watch.look()
    counted, sent, unfilled, example = await _write_some(server, overview, texts)
    reached = overview.total - overview.without_phone - overview.stopped
    share = reached / max(len(overview.sample), 1)
    messages, all_parts = round(sent * share), round(counted * share)
    carriers = server.broadcasts.carriers()
    return Preview(
        people=overview.about(overview.total),
        without_phone=overview.about(overview.without_phone),
        stopped=overview.about(overview.stopped),
        unfilled=overview.about(round(unfilled * share)),
        messages=overview.about(messages),
        parts=overview.about(all_parts),
        is_exact=overview.is_exact and len(overview.sample) == reached,
        all_counted=overview.is_exact,
        cost=await _cost(server, overview.about(all_parts)),
        done_at=_done_at(server, overview.about(all_parts)) if carriers else 0,
        gateways=[server.router.watch.facts(name).label for name in carriers],
        example=example,
    )


async def _write_some(server: Server, overview: Overview, texts: Mapping[str, str]) -> tuple[int, int, int, str]:
    """Of the people of the sample: parts and messages that they get, how many cannot be written to, and an example.
    Who shares a phone gets one together."""
    count, phones, unfilled, example = 0, set(), 0, ""
    for one in await people_numbered(overview.sample, server.company.today()):
        if one.phone in phones:
            continue
        if missing([text_of(texts, one.language)], server.broadcasts.values_of(one)):
            unfilled += 1
            continue
        text = server.broadcasts.text_for(one, texts)
        example = example or text
        phones.add(one.phone)
        count += parts(text)
    return count, len(phones), unfilled, example


async def _cost(server: Server, count: int) -> str:
    """What so many parts cost by the first gateway, in its own currency; empty where it does not say."""
    for name in server.broadcasts.carriers()[:1]:
        currency, each = await cost_of_part(name)
        if each:
            cost = count * each
            return f"{currency} {cost:,.0f}".strip() if cost >= CENTS_BELOW else f"{currency} {cost:,.2f}".strip()
    return ""


def _done_at(server: Server, count: int) -> int:
    """When so many parts will have gone, by day alone."""
    per_second = sum(_pace(server, name) for name in server.broadcasts.carriers())
    left, now = count / per_second * 1000, now_ms()
    at = now
    while left > 0 and at - now < LONGEST_MS:
        if morning := server.company.until_morning(at):
            at = morning
            continue
        step = min(left, STEP_MS)
        at, left = at + int(step) + 1, left - step
    return at if left <= 0 else 0


def _pace(server: Server, gateway: str) -> float:
    if gateway.startswith(PREFIX):
        return PARTS / (PERIOD_MS / 1000)
    return server.broadcasts.pace(gateway) or UNPACED
