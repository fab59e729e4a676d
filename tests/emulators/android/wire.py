"""What the app SMS Gateway for Android v1.67 writes and how strictly it reads, without any network.

From the app's own contract; nothing here is shared with our server, so that one mistake cannot hide in both.
"""

import hashlib
import hmac
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

VERSION = "1.67.0"
ZONE = timezone(timedelta(hours=3))  # the phone's own, Dar es Salaam

EVENTS = frozenset(
    [
        *("sms:received", "sms:data-received", "sms:sent", "sms:delivered", "sms:failed", "sms:cancelled"),
        *("mms:received", "mms:downloaded", "app:started", "system:ping"),
    ]
)
PERIODS = {"Disabled": 0, "PerMinute": 60, "Per30Minutes": 1_800, "PerHour": 3_600, "PerDay": 86_400}
WORDS = {
    "limit_period": frozenset(PERIODS),
    "processing_order": frozenset(("LIFO", "FIFO")),
    "sim_selection_mode": frozenset(("OSDefault", "RoundRobin", "Random")),
    "notification_channel": frozenset(("AUTO", "SSE_ONLY")),
}
GROUPS = frozenset(("encryption", "gateway", "messages", "ping", "logs", "webhooks"))
DATE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d+)(Z|[+-]\d\d:\d\d)")
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")


class Unreadable(Exception):
    """The app gives up reading at this point."""


@dataclass(frozen=True)
class Sim:
    """A SIM in a slot; `number` counts from 1."""

    number: int = 1
    phone: str = "+255750000009"
    carrier: str = "Vodacom"
    iccid: str = "8925504000000001234"

    def card(self, *, cut: bool = True) -> dict[str, Any]:
        """As it is told: all but the last four characters starred, whole only in app:started."""
        seen = _cut if cut else str
        names = {"phoneNumber": self.phone, "carrierName": self.carrier, "iccid": self.iccid}
        return {"slotIndex": self.number - 1, "simNumber": self.number} | {k: seen(v) for k, v in names.items()}


def _cut(text: str) -> str:
    return "*" * (len(text) - 4) + text[-4:] if len(text) > 4 else "*" * len(text)


@dataclass
class Outgoing:
    """A message in the phone's database. Times are Unix seconds on the phone's clock."""

    id: str
    text: str
    phone: str
    created_at: float
    sim: int | None = None
    wants_report: bool = True
    valid_until: float | None = None
    priority: int = 0
    state: str = "Pending"
    error: str | None = None
    states: dict[str, str] = field(default_factory=dict)


def older_than(version: str, than: str) -> bool:
    return [int(part) for part in version.split(".")] < [int(part) for part in than.split(".")]


def date(seconds: float) -> str:
    """A date as the app writes it: milliseconds and the phone's offset."""
    at = datetime.fromtimestamp(seconds, ZONE)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}" + "+03:00"


def moment(text: object) -> float:
    """Unix seconds of a date as the app reads it: whatever stands behind the point counts as milliseconds, so
    `.123456` is 123 seconds. Raises Unreadable."""
    found = DATE.fullmatch(text) if isinstance(text, str) else None
    if not found:
        raise Unreadable(f"date {text!r}")
    whole, fraction, zone = found.groups()
    return datetime.fromisoformat(whole + zone.replace("Z", "+00:00")).timestamp() + int(fraction) / 1000


def signature(key: str, body: str, timestamp: str) -> str:
    """HMAC-SHA256 in lower-case hex over the raw body followed by the timestamp."""
    return hmac.new(key.encode(), (body + timestamp).encode(), hashlib.sha256).hexdigest()


def message_id(sender: str, text: str, at: float, sim: int, version: str) -> str:
    """32 bits of address, date, subscription and text in hex; v1.64.0 to v1.66.1 leave the date out."""
    dated = older_than(version, "1.64.0") or not older_than(version, "1.66.2")
    when = f"{round(at * 1000)}" if dated else ""
    return f"{zlib.crc32(f'{sender}|{when}|{sim}|{text}'.encode()):x}"


def parts(text: str) -> int:
    """How many SMS a text takes (3GPP 23.038: 160 septets or 153 a part; 70 or 67 characters in UCS-2)."""
    if set(text) <= GSM | GSM_EXTENSION:
        length, one, many = len(text) + sum(each in GSM_EXTENSION for each in text), 160, 153
    else:
        length, one, many = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= one else -(-length // many)


def order(element: object, version: str = VERSION) -> Outgoing | None:
    """A message as the app reads it; None for one in a state that it ignores. Raises Unreadable."""
    if not isinstance(element, Mapping):
        raise Unreadable("a message that is no object")
    state = element.get("state") or "Pending"
    if state == "Cancelling" and older_than(version, "1.67.0"):
        raise Unreadable("state Cancelling")
    text, phones, sim = _text(element), element.get("phoneNumbers"), element.get("simNumber")
    if not (isinstance(element.get("id"), str) and element["id"] and isinstance(text, str)):
        raise Unreadable("a message without id or text")
    if not (isinstance(phones, list) and len(phones) == 1 and isinstance(phones[0], str)):
        raise Unreadable("this emulator knows one receiver for each message")
    if not (sim is None or (isinstance(sim, int) and sim > 0)):
        raise Unreadable(f"simNumber {sim!r}")
    ends = element.get("validUntil")
    read = Outgoing(element["id"], text, phones[0], moment(element.get("createdAt")), sim)
    read.wants_report = element.get("withDeliveryReport") is not False
    read.valid_until = None if ends is None else moment(ends)
    read.priority = int(element.get("priority") or 0)
    read.state = state
    return read if state in ("Pending", "Cancelling") else None


def _text(element: Mapping[str, Any]) -> object:
    content = element.get("textMessage")
    return content.get("text") if isinstance(content, Mapping) else element.get("message")


def hooks(answer: object) -> dict[str, tuple[str, str]]:
    """The webhook list: id to event and address. An event that the app does not know ends the whole list."""
    if not isinstance(answer, list):
        raise Unreadable("the webhooks are no list")
    for hook in answer:
        if hook.get("event") not in EVENTS:
            raise Unreadable(f"webhook event {hook.get('event')!r}")
    return {hook["id"]: (hook["event"], hook["url"]) for hook in answer}


def settings(answer: object, version: str = VERSION) -> Iterable[tuple[str, Any]]:
    """The settings as `group.name` and value, in their order, up to a word that the app does not know.

    Raises Unreadable there: what was read before stays, what comes after is lost.
    """
    if not isinstance(answer, Mapping):
        raise Unreadable("the settings are no map")
    for group, values in answer.items():
        if group not in GROUPS:
            raise Unreadable(f"group {group!r}")
        for name, value in values.items():
            early = value == "Per30Minutes" and version.startswith("1.66.")
            if early or (name in WORDS and value not in WORDS[name]):
                raise Unreadable(f"{group}.{name} {value!r}")
            yield f"{group}.{name}", value


def stamp(seconds: float) -> str:
    """X-Timestamp: Unix seconds."""
    return str(int(seconds))
