"""Kannel, the way to SMPP binds and modems: its HTTP calls become what bot/message.py names, the outbox's messages its
sendsms requests. Seen to work with Debian's 1.4.5, and driven for real in tests/gateways/test_kannel_real.py."""

import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote

import aiohttp

from bot.gateways import BadCallback, Callback, Fields
from bot.gateways.errors import SendError
from bot.gateways.wire import (
    LONGEST_ADDRESS,
    LONGEST_ID,
    LONGEST_NETWORK,
    LONGEST_WORD,
    TIMEOUT,
    letters,
    naming_errors,
    optional,
    present,
    read_form,
    required,
    with_plus,
)
from bot.message import Inbound, OptOut, Outbound, Receipt, Sent, UssdEnd, UssdTurn
from bot.text.gsm import is_gsm, parts
from bot.text.numbers import sender as read_sender
from models.messages.tables import LIFE, State

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
# 202 says "0: Accepted for delivery", or "3: Queued for later delivery" while the SMSC is away. 404 comes for another
# address than that of sendsms; the message is not to blame. 408 and 504 are of something in between that lost patience.
HTTP_STATUS = {
    202: "",
    401: "bad credentials",
    403: "bad credentials",
    404: "unreachable",
    405: "unreachable",
    408: "timeout",
    429: "throttled",
    504: "timeout",
}
# A redirect is not followed, since it would turn the POST into a GET: nothing was taken.
HTTP_FAMILY = {3: "gateway fault", 4: "refused", 5: "gateway fault"}


class Kannel:
    """Two-way SMS and delivery reports. `url` is the whole address of sendsms; an empty `sender` leaves what Kannel
    sets itself; `address` is our own, to which reports come; `country` reads numbers without a calling code."""

    name = "kannel"
    methods = ("GET", "POST")

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        username: str,
        password: str,
        sender: str,
        secret: str,
        address: str,
        country: str,
    ) -> None:
        self._session = session
        self._url = url
        self._headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-Kannel-Username": username,
            "X-Kannel-Password": password,
            "X-Kannel-DLR-Mask": ALL_REPORTS,
        }
        if sender:
            self._headers["X-Kannel-From"] = sender
        door = f"{address.rstrip('/')}/gateways/{self.name}/{quote(secret, safe='')}/delivery"
        self._reports = door.replace("%", "%%")  # Kannel reads % as the beginning of an escape
        self._secret = secret.encode()
        self._country = country

    def read(self, callback: Callback) -> Fields:
        """The fields of a get-url or dlr-url, a form, or a post-url, whose body is the text and whose headers say what
        its address does not. Only the text is in the charset that %C and %c name. Bytes that are not of their charset
        become U+FFFD. Raises BadCallback."""
        raw = dict(read_form(callback.query, "latin-1"))
        if callback.content_type == "application/x-www-form-urlencoded":
            raw |= read_form(callback.body, "latin-1")
        elif callback.method == "POST":
            told = _told(callback.headers).items()
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
            external_id=required(form, "id", LONGEST_ID) if optional(form, "id") else self._digest(form),
            sender=read_sender(present(form, "from"), self._country),
            text=text,
            recipient=with_plus(optional(form, "to"))[:LONGEST_ADDRESS],
            network=optional(form, "smsc")[:LONGEST_NETWORK],
        )

    def parse_receipt(self, form: Fields) -> Receipt:
        """A delivery report; its id is the one that we gave in the address. A state we do not know is no news."""
        mask = required(form, "state").strip()
        state, reason, word = MASKS.get(mask, (State.SENT, "", mask[:LONGEST_WORD]))
        return Receipt(self.name, required(form, "id", LONGEST_ID), state, word, reason, ours=True)

    def parse_ussd(self, form: Fields) -> UssdTurn:
        raise BadCallback("Kannel has no USSD")

    def parse_ussd_end(self, form: Fields) -> UssdEnd:
        raise BadCallback("Kannel has no USSD")

    def parse_optout(self, form: Fields) -> OptOut:
        raise BadCallback("Kannel has no opt-outs")

    async def send(self, message: Outbound) -> Sent:
        """Hand one message over. Raises SendError; `timeout` and `strange answer` may have been taken. The answer has
        no id: ours goes out with the message and comes back with each report."""
        headers = self._headers | {
            "X-Kannel-To": message.phone,
            # Kannel would send what is not in the GSM alphabet as ?
            "X-Kannel-Coding": "0" if is_gsm(message.text) else "2",
            # Minutes. It counts from now and not from our promise, so at worst a message lives twice as long.
            "X-Kannel-Validity": str(LIFE[message.kind] * 60),
            "X-Kannel-DLR-Url": f"{self._reports}?id={message.id}&state=%d",
        }
        text = message.text.encode()
        with naming_errors():
            async with self._session.post(
                self._url, data=text, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                words = await answer.text(errors="replace") if answer.status in ANSWERS else ""
                _check(answer.status, words)
        return Sent(str(message.id), parts(message.text))

    def _digest(self, form: Fields) -> str:
        """Keyed, since whoever reads the database could otherwise try which PIN gives it."""
        which = "\0".join(required(form, field) for field in ("from", "to", "time"))
        return hmac.digest(self._secret, f"{which}\0{present(form, 'text')}".encode(), "sha256").hex()


def _told(headers: Mapping[str, str]) -> Fields:
    """What the headers of a post-url say, each character one byte as it came."""
    said = {field: headers.get(name, "") for field, name in HEADERS.items()}
    named = CHARSET.search(headers.get("Content-Type", ""))
    said["charset"] = named[1] if named else ""
    return {field: value.encode(errors="surrogateescape").decode("latin-1") for field, value in said.items() if value}


def _check(status: int, words: str) -> None:
    begins = ANSWERS.get(status, {}).items()
    known = (error for beginning, error in begins if words.lower().startswith(beginning))
    by_status = HTTP_STATUS.get(status, HTTP_FAMILY.get(status // 100, "strange answer"))
    if error := next(known, by_status):
        raise SendError(error, f"HTTP {status} {letters(words)}".strip())
