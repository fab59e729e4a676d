"""What we tell "SMS Gateway for Android" (1.67.0 or newer), whose private server we are: settings, webhooks and
messages. Field names and words are the app's own (v1.67 to v1.68); what it tells us is in from_app.py."""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from models.messages import MessageKind

LONGEST_VERSION = 20  # as its column
AGENT = re.compile(r"me\.capcom\.smsgateway[^/]*/(\d+\.\d+\.\d+)")

# Android asks the user above 30 parts of an app in 30 minutes, and once the app's own limit of so many messages is full
# it holds all for a whole period. It lags behind us by its pauses, up to 28 of 6 s: with 3 minutes more it never is.
PARTS, PERIOD_MS, SPACE_MS = 28, 1_980_000, 2_000
PRIORITY = {
    MessageKind.TOKEN: 30,
    MessageKind.REPLY: 20,
    MessageKind.OFFICE: 15,
    MessageKind.REMINDER: 10,
    MessageKind.BROADCAST: 0,
}  # 100 would bypass its limits

# One webhook for each event, under the same ids for ever: a new id of sms:received alarms the phone's owner.
EVENTS = ("sms:received", "sms:sent", "sms:delivered", "sms:failed", "system:ping", "app:started")


def version_in(user_agent: str) -> str:
    """The app's version in a User-Agent; empty for that of its event stream, which names none."""
    found = AGENT.match(user_agent)
    return found[1] if found and len(found[1]) <= LONGEST_VERSION else ""


def date(ms: int) -> str:
    """A time as the app reads it: exactly three decimals (it takes .123456 for 123 seconds), in UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def settings(signing_key: str) -> dict[str, Any]:
    """What the phone shall be set to. One word that it does not know spoils the whole map."""
    return {
        "gateway": {"notification_channel": "SSE_ONLY"},
        "messages": {
            "processing_order": "FIFO",
            "limit_period": "Per30Minutes",
            "limit_value": PARTS,
            "send_interval_min": SPACE_MS // 1000,
            "send_interval_max": 6,
        },
        "ping": {"interval_seconds": 300},
        "webhooks": {"signing_key": signing_key, "retry_count": 15},
    }


def webhooks(gateway: str, address: str) -> list[dict[str, str]]:
    """Where it shall tell us what."""
    url = f"{address.rstrip('/')}/smsgate/webhooks/{gateway}"
    return [{"id": f"{gateway}-{event.replace(':', '-')}", "url": url, "event": event} for event in EVENTS]


def message(row: Mapping[str, Any], ahead_s: int = 0) -> dict[str, Any]:
    """A row of the outbox as the phone takes it. Without a SIM it chooses itself. What is too late it judges by its
    own clock, so many seconds ahead; of one that is behind nothing expires, also when it is set right meanwhile."""
    sim = {"simNumber": row["sim"]} if row["sim"] else {}
    return {
        "id": row["external_id"],
        "textMessage": {"text": row["text"]},
        "phoneNumbers": [row["phone"]],
        **sim,
        "withDeliveryReport": True,
        "validUntil": date(row["expires_at"] + max(0, ahead_s) * 1000),
        "priority": PRIORITY[MessageKind(row["kind"])],
        "state": "Pending",
        "createdAt": date(row["created_at"]),
    }


def export_request(since: int, until: int) -> dict[str, Any]:
    """The data of MessagesExportRequested: the SMS that the operator's centre got between two times."""
    return {"since": date(since), "until": date(until), "messageTypes": "SMS", "triggerWebhooks": True}


def signature(key: str, body: bytes, timestamp: str) -> str:
    """Lower-case hexadecimal HMAC-SHA256 of the raw body followed by the timestamp."""
    return hmac.digest(key.encode(), body + timestamp.encode(), "sha256").hex()


def signed(key: str, body: bytes, timestamp: str, given: str) -> bool:
    return hmac.compare_digest(signature(key, body, timestamp).encode(), given.lower().encode())
