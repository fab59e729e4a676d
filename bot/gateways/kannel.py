"""Kannel, the way to SMPP binds and modems: its HTTP calls become what bot/message.py names, the outbox's messages its
sendsms requests. Seen to work with Debian's 1.4.5, and driven for real in tests/gateways/test_kannel_real.py."""

import hmac
import re
from collections.abc import Mapping
from typing import ClassVar

import aiohttp
from pydantic import Field, SecretStr

from bot.gateways import BaseGateway, Callback, Fields, GatewaySettings
from bot.gateways.errors import SendError
from bot.gateways.wire import (
    LONGEST_ADDRESS,
    LONGEST_ID,
    LONGEST_NETWORK,
    LONGEST_WORD,
    http_error,
    letters,
    optional,
    present,
    read_form,
    request,
    required,
    with_plus,
)
from bot.message import Inbound, Outbound, Receipt, Sent
from bot.text.gsm import is_gsm, parts
from bot.text.numbers import sender as read_sender
from models.messages import LIFE, State

# %C as it may come, in lower case. Without one of these, %c decides: 0 septets, 1 bytes, 2 UCS-2 (which is sent as
# UTF-16, since it holds surrogate pairs). 8-BIT, Kannel's own word, is no charset.
CHARSETS = {
    "utf-8": "utf-8",
    "utf-16be": "utf-16-be",
    "iso-8859-1": "latin-1",
    "windows-1252": "cp1252",
}
CHARSET = re.compile(r'charset="?([^";\s]+)', re.IGNORECASE)
CODINGS = {"1": "latin-1", "2": "utf-16-be"}

# What a post-url tells beside its text where its address has no escape for it. X-Kannel-From only with send-sender.
HEADERS = {
    "from": "X-Kannel-From",
    "to": "X-Kannel-To",
    "time": "X-Kannel-Time",
    "smsc": "X-Kannel-SMSC",
    "coding": "X-Kannel-Coding",
}

# %T. What the header X-Kannel-Time has is no number.
SECONDS = re.compile("[0-9]{1,11}")

# %d of a report is one bit of its mask (user guide, "Delivery reports"). 16 is also what bearerbox itself says of a
# message that became too old in its queue.
MASKS: dict[str, tuple[State, str, str]] = {
    "1": (State.DELIVERED, "", "delivered to the phone"),
    "2": (State.FAILED, "undelivered", "not delivered to the phone"),
    "4": (State.SENT, "", "queued at the SMSC"),
    "8": (State.SENT, "", "taken by the SMSC"),
    "16": (State.FAILED, "refused", "refused by the SMSC"),
}
ALL_REPORTS = "31"

# How an answer to sendsms begins, in lower case, where its status alone says too little: a name in ERRORS. All of them
# are in the program; some were seen to come.
ANSWERS = {
    200: {"0:": "", "3:": "", "sent": ""},  # of what stands before it, or of an old release; anything else is no Kannel
    400: {
        "sender missing": "unknown sender",
        "missing receiver": "bad number",
        "empty receiver": "bad number",
        "invalid content-type": "gateway fault",  # another release than we know: nothing is wrong with the message
    },
    403: {"not routable": "no route"},
}
# With this status it says "0: Accepted for delivery", or "3: Queued for later delivery" while the SMSC is away. Another
# one of 2xx, without the words above, comes from something that is no Kannel.
ACCEPTED = 202


class Kannel(BaseGateway):
    """Two-way SMS and delivery reports."""

    name = "kannel"
    title = "Kannel"
    methods = ("GET", "POST")

    class Settings(GatewaySettings):
        """The account of a sendsms-user."""

        needed: ClassVar = ("url", "username", "password")

        url: str = Field(
            "", description="the whole address of Kannel's sendsms, like `http://127.0.0.1:13013/cgi-bin/sendsms`"
        )
        username: str = Field("", description="the user name of its sendsms-user")
        password: SecretStr = Field(SecretStr(""), description="and the password")
        # Its smsbox lets ten connections wait for it (`ss -l`). Of 256 that came at once some were open to us, but
        # unknown to it: what they brought was lost, and ended as failed after ten seconds.
        at_once: int = Field(
            16, ge=1, description="requests that each server has under way to it at most; it lets ten wait at its door"
        )

        def problems(self, prefix: str) -> list[str]:
            found = super().problems(prefix)
            if self.url and not self.url.startswith(("http://", "https://")):
                found.append(f"{prefix}_URL is a whole address, like http://127.0.0.1:13013/cgi-bin/sendsms.")
            return found

    _settings: Settings

    def __init__(self, session: aiohttp.ClientSession, settings: Settings, *, address: str, country: str) -> None:
        super().__init__(session, settings, address=address, country=country)
        self._headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": settings.username,
            "X-Kannel-Password": settings.password.get_secret_value(),
            "X-Kannel-DLR-Mask": ALL_REPORTS,
        }
        if settings.sender:  # else Kannel sets one itself
            self._headers["X-Kannel-From"] = settings.sender
        self._dlr_url = self._reports.replace("%", "%%")  # Kannel reads % as the beginning of an escape

    def read(self, callback: Callback) -> Fields:
        """The fields of a get-url or dlr-url, a form, or a post-url, whose body is the text and whose headers say what
        its address does not. Only the text is in the charset that %C and %c name. Bytes that are not of their charset
        become U+FFFD. Raises BadCallback."""
        raw = dict(read_form(callback.query, "latin-1"))
        if callback.content_type == "application/x-www-form-urlencoded":
            raw |= read_form(callback.body, "latin-1")
        elif callback.method == "POST":
            told = _read_headers(callback.headers).items()
            raw |= {field: value for field, value in told if not raw.get(field)}
            raw["text"] = callback.body.decode("latin-1")
        charset = CHARSETS.get(raw.get("charset", "").lower()) or CODINGS.get(raw.get("coding", ""), "utf-8")
        return {
            field: value.encode("latin-1").decode(charset if field == "text" else "utf-8", "replace")
            for field, value in raw.items()
        }

    def parse_sms(self, form: Fields) -> Inbound:
        """A text that somebody sent us. Kannel repeats %I when it repeats a message; without it, who wrote what to
        which number in which second is the same message."""
        text = present(form, "text")
        return Inbound(
            gateway=self.name,
            external_id=required(form, "id", LONGEST_ID) if optional(form, "id") else self._make_id(form),
            sender=read_sender(present(form, "from"), self._country),
            text=text,
            recipient=with_plus(optional(form, "to"))[:LONGEST_ADDRESS],
            network=optional(form, "smsc")[:LONGEST_NETWORK],
            reached_at=int(time[0]) * 1000 if (time := SECONDS.fullmatch(optional(form, "time"))) else 0,
        )

    def parse_receipt(self, form: Fields) -> Receipt:
        """A delivery report; its id and number are those that we gave in the address. A state we do not know is no
        news."""
        mask = required(form, "state").strip()
        state, reason, word = MASKS.get(mask, (State.SENT, "", mask[:LONGEST_WORD]))
        phone = f"+{to}" if (to := optional(form, "to")) else ""
        return Receipt(self.name, required(form, "id", LONGEST_ID), state, word, reason, ours=True, phone=phone)

    async def send(self, message: Outbound) -> Sent:
        """Hand one message over. Raises SendError; `timeout` and `strange answer` may have been taken. The answer has
        no id: ours goes out with the message and comes back with each report."""
        headers = self._headers | {
            "X-Kannel-To": message.phone,
            # Kannel would send what is not in the GSM alphabet as ?
            "X-Kannel-Coding": "0" if is_gsm(message.text) else "2",
            # Minutes. It counts from now and not from when our message was made, so at worst it lives twice as long.
            "X-Kannel-Validity": str(LIFE[message.kind] * 60),
            "X-Kannel-DLR-Url": f"{self._dlr_url}?id={message.id}&to={message.phone.removeprefix('+')}&state=%d",
        }
        text = message.text.encode()
        async with request(self._session, "POST", self._settings.url, data=text, headers=headers) as answer:
            words = await answer.text(errors="replace") if answer.status in ANSWERS else ""
            _check_answer(answer.status, words)
        return Sent(str(message.id), parts(message.text))

    def _make_id(self, form: Fields) -> str:
        """Keyed, since whoever reads the database could otherwise try which PIN gives it."""
        which = "\0".join(required(form, field) for field in ("from", "to", "time"))
        return hmac.digest(self.secret.encode(), f"{which}\0{present(form, 'text')}".encode(), "sha256").hex()


def _read_headers(headers: Mapping[str, str]) -> Fields:
    """What the headers of a post-url say, each character one byte as it came."""
    said = {field: headers.get(name, "") for field, name in HEADERS.items()}
    named = CHARSET.search(headers.get("Content-Type", ""))
    said["charset"] = named[1] if named else ""
    return {field: value.encode(errors="surrogateescape").decode("latin-1") for field, value in said.items() if value}


def _check_answer(status: int, words: str) -> None:
    begins = ANSWERS.get(status, {}).items()
    known = (error for beginning, error in begins if words.lower().startswith(beginning))
    by_status = "" if status == ACCEPTED else http_error(status) or "strange answer"
    if error := next(known, by_status):
        raise SendError(error, f"HTTP {status} {letters(words)}".strip())
