"""Gateways described in words, for several tests: Pigeon is made up, TextBee and httpSMS ship with us."""

import tomllib
from collections.abc import Mapping
from typing import Any

from bot.gateways import Callback
from bot.gateways.described import Described
from bot.gateways.description import Description, read_descriptions
from bot.message import Outbound
from bot.text.numbers import Sender, SenderKind

ADDRESS, SECRET, KEY = "http://127.0.0.1:8080", "a secret / of 100 %", "a signing key"
PHONE = "+255710000002"
OWNER = Sender(SenderKind.NUMBER, PHONE)
DELIVERY_URL = (
    f"{ADDRESS}/gateways/pigeon/a%20secret%20%2F%20of%20100%20%25/delivery?mwanga_id=42&mwanga_to=255710000002"
)
PIGEON = tomllib.loads(
    """
callbacks = "form"
sender = "15054"
account = { key = "k{text}y", code = 7 }
incoming = { id = "msg", from = "msisdn", to = "shortcode", text = "body", network = "net" }
errors = { "no credit" = "no balance", "E12" = "bad number", "HTTP 418" = "throttled", "gone" = "undelivered" }

[delivery]
id = "msg"
status = "state"
reason = "why"
words = { DELIVRD = "delivered", UNDELIV = "failed", ACCEPTD = "sent" }

[send]
url = "https://pigeon.example.org/{key}/send"
number = "digits"
headers = { Authorization = "Bearer {key}" }
form = { to = "{phone}", from = "{sender}", text = "{text}", ref = "{id}", dlr = "{delivery_url}", code = "{code}" }
success = { path = "ok", in = [true, "queued"] }
id = "data.0.id"
error = "error"
cost = "data.0.cost"
"""
)
TEXTBEE = {"preset": "textbee", "account": {"device": "d1", "api_key": "k"}, "signature": {"key": KEY}}
HTTPSMS = {"preset": "httpsms", "account": {"api_key": "k"}, "sender": "+255713000111"}


def description(table: Mapping[str, Any], **changes: Any) -> Description:
    good, problems = read_descriptions({"pigeon": {"secret": SECRET} | table | changes})
    assert problems == []
    return good["pigeon"]


def gateway(table: Mapping[str, Any] = PIGEON, session: Any = None, **changes: Any) -> Described:
    return Described(session, "pigeon", description(table, **changes), address=ADDRESS, country="TZ")


def get(query: str) -> Callback:
    return Callback("GET", query.encode(), "", b"")


MESSAGE = Outbound(42, PHONE, "{key} & {id}: 123\n+é")
