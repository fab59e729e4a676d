"""What "SMS Gateway for Android" tells us: the JSON of its calls and webhooks becomes what service.py works with.
Field names and words are the app's own (v1.67 to v1.68); what we tell it is in to_app.py."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.gateways import BadCallback
from bot.gateways.wire import LONGEST_ADDRESS, LONGEST_ID
from bot.message import Inbound
from bot.text.numbers import parse
from bot.text.numbers import sender as read_sender
from models.messages import Sim, State

STATES = {"Sent": State.SENT, "Delivered": State.DELIVERED, "Failed": State.FAILED, "Cancelled": State.WAITING}
NEWS = {"sms:sent": State.SENT, "sms:delivered": State.DELIVERED, "sms:failed": State.FAILED}
GENERIC = "RESULT_ERROR_GENERIC_FAILURE"
# Why a message failed, by Android's result code within the app's sentence: a name in ERRORS. Any other result was the
# phone's own fault, and the message is tried again.
FAILURES = {
    "RESULT_ERROR_RADIO_OFF": "unreachable",
    "RESULT_ERROR_NO_SERVICE": "unreachable",
    "RADIO_NOT_AVAILABLE": "unreachable",
    "RESULT_RIL_NETWORK_NOT_READY": "unreachable",
    "RESULT_ERROR_LIMIT_EXCEEDED": "throttled",
    "RESULT_RIL_REQUEST_RATE_LIMITED": "throttled",
    "RESULT_ERROR_NULL_PDU": "refused",
    "RESULT_ERROR_FDN_CHECK_FAILURE": "refused",
    "RESULT_ERROR_SHORT_CODE": "refused",
    "INVALID_ARGUMENTS": "refused",
    "INVALID_SMS_FORMAT": "refused",
    "ENCODING_ERR": "refused",
    "TTL expired": "expired",
    "Delivery result": "undelivered",
}
TRANSPORTS = {1: "unknown", 2: "mobile", 4: "Wi-Fi", 8: "cable"}
CELLULAR = {2: "2G", 3: "3G", 4: "4G", 5: "5G"}


@dataclass(frozen=True, slots=True)
class Device:
    """What a phone says of itself when it registers or its SIM cards change."""

    id: str  # our name for it; empty when it registers
    model: str
    push: bool  # whether it waits for a cloud to wake it
    sims: list[Sim] | None  # None where it does not say


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook call."""

    id: str  # the same when the phone repeats it
    name: str
    device: str  # our name for the phone
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """What a phone says of a message that it pulled."""

    external_id: str
    state: State | None  # SENT, DELIVERED, FAILED, WAITING when it gave the message back unsent, None for no news
    error: str = ""  # a name in ERRORS
    generic: bool = False  # whether Android knew no reason
    event: str = ""  # of a webhook, of which there is one for each part
    sim: int = 0  # 0 where it does not say
    parts: int = 0  # 0 where it does not say


@dataclass(frozen=True, slots=True)
class Health:
    """What a ping says; None and empty where it does not."""

    version: str
    battery: int | None  # percent
    charging: bool | None
    network: str  # Wi-Fi, mobile 4G


def read_date(value: object) -> int:
    """Milliseconds of an ISO date with any offset. Raises BadCallback."""
    try:
        moment = datetime.fromisoformat(str(value))
        return round(moment.timestamp() * 1000) if moment.tzinfo else _no_date()
    except (ValueError, OverflowError):
        return _no_date()


def _no_date() -> int:
    raise BadCallback("a date is no ISO date with its offset")


def read_json(body: bytes) -> Any:
    """The body. Raises BadCallback."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadCallback("the body is no JSON") from error


def read_device(body: bytes, country: str) -> Device:
    """A registration, or a change of it. Raises BadCallback."""
    fields = _object(read_json(body))
    cards = fields.get("simCards")
    return Device(
        id=_text(fields, "id", LONGEST_ID),
        model=_words(fields, "name", 100).replace("/", " ").strip(),
        push=bool(fields.get("pushToken")),
        sims=None if cards is None else read_sims(cards, country),
    )


def read_sims(cards: object, country: str) -> list[Sim]:
    """The SIM cards by their number. What is hidden behind stars is not known. Raises BadCallback."""
    if not isinstance(cards, list):
        raise BadCallback("simCards is no list")
    sims = {}
    for card in map(_object, cards[:8]):
        number = _number(card.get("simNumber"))
        if 0 < number <= 8:
            carrier = _words(card, "carrierName", 40)
            sims[number] = Sim(number, _own_number(card, country), "" if "*" in carrier else carrier)
    return [sims[number] for number in sorted(sims)]


def read_event(body: bytes) -> Event:
    """A webhook call, whose signature was checked. Raises BadCallback."""
    fields = _object(read_json(body))
    payload = _object(fields.get("payload"))
    return Event(
        id=_text(fields, "id", LONGEST_ID),
        name=_text(fields, "event", 40),
        device=_text(fields, "deviceId", 40),
        payload=payload,
    )


def read_sms(event: Event, country: str) -> Inbound:
    """An SMS that the phone got. The app's own id is a short hash: with the time at which the phone got it, no two
    messages share one, while one that comes again brings both again. Raises BadCallback."""
    payload = event.payload
    text = payload.get("message")
    if not isinstance(text, str):
        raise BadCallback("message is no text")
    own = _text(payload, "messageId", LONGEST_ID - 30)
    if not own:
        raise BadCallback("messageId is missing")
    sim, reached_at = _number(payload.get("simNumber")), read_date(payload.get("receivedAt"))
    return Inbound(
        gateway=event.device,
        external_id=f"{own} {reached_at}",
        sender=read_sender(_text(payload, "sender", 100) or _text(payload, "phoneNumber", 100), country),
        text=_clean(text),
        recipient=_text(payload, "recipient", LONGEST_ADDRESS) or (f"SIM {sim}"[:LONGEST_ADDRESS] if sim else ""),
        sim=min(sim, 8),
        reached_at=max(reached_at, 0),
    )


def read_news(event: Event) -> Report:
    """What a webhook says of a message. Raises BadCallback."""
    payload = event.payload
    reason = _words(payload, "reason", 200) if event.name == "sms:failed" else ""
    return Report(
        external_id=_text(payload, "messageId", LONGEST_ID),
        state=NEWS[event.name],
        error=_failure(reason) if event.name == "sms:failed" else "",
        generic=GENERIC in reason,
        event=event.id,
        sim=min(_number(payload.get("simNumber")), 8),
        parts=min(_number(payload.get("partsCount")), 99),
    )


def read_reports(body: bytes) -> list[Report]:
    """What a phone says of messages that it pulled. Raises BadCallback."""
    found = read_json(body)
    if not isinstance(found, list) or len(found) > 100:
        raise BadCallback("the body is no list of messages")
    return [_report(_object(each)) for each in found]


def _report(fields: dict[str, Any]) -> Report:
    """Each message has one receiver, whose state is the message's and has the error beside it."""
    state = STATES.get(_text(fields, "state", 20))
    receivers = fields.get("recipients")
    first = _object(receivers[0]) if isinstance(receivers, list) and receivers else {}
    reason = _words(first, "error", 200)
    failed = state is State.FAILED
    return Report(
        external_id=_text(fields, "id", LONGEST_ID),
        state=state,
        error=_failure(reason) if failed else "",
        generic=GENERIC in reason,
    )


def read_health(event: Event) -> Health:
    """A ping. Raises BadCallback."""
    health = _object(event.payload.get("health"))
    checks = _object(health.get("checks"))
    level, charging = _check(checks, "battery:level"), _check(checks, "battery:charging")
    transport, cellular = _check(checks, "connection:transport"), _check(checks, "connection:cellular")
    names = [name for bit, name in TRANSPORTS.items() if transport and transport & bit]
    if transport == 2 and cellular in CELLULAR:
        names = [f"mobile {CELLULAR[cellular]}"]
    version = _text(health, "version", 20)
    return Health(
        version=version if re.fullmatch(r"\d+\.\d+\.\d+", version) else "",
        battery=None if level is None else max(0, min(level, 100)),
        charging=None if charging is None else charging > 0,
        network=", ".join(names)[:20],
    )


def _check(checks: dict[str, Any], name: str) -> int | None:
    value = _object(checks.get(name) or {}).get("observedValue")
    return value if isinstance(value, int) else None


def _failure(reason: str) -> str:
    return next((error for word, error in FAILURES.items() if word in reason), "gateway fault")


def _own_number(card: dict[str, Any], country: str) -> str:
    try:
        return parse(_text(card, "phoneNumber", 40), country)
    except ValueError:
        return ""


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadCallback("an object is missing")
    return value


def _text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    """A text, empty when it is not there. Raises BadCallback for another kind or one too long."""
    text = _words(fields, name, longest + 1)
    if len(text) > longest:
        raise BadCallback(f"{name} is longer than {longest} characters")
    return text


def _words(fields: Mapping[str, Any], name: str, most: int) -> str:
    """The beginning of what people read: Android's reasons for a failure, and what it calls an operator, may be of any
    length. Raises BadCallback for another kind."""
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadCallback(f"{name} is no text")
    return _clean(value[:most])


def _clean(text: str) -> str:
    """Without what no database stores: NUL, and halves of characters, which JSON can spell."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
