"""Gateway phones: an Android phone that carries our messages, with what it knows and what is known of it.

Times are milliseconds (UTC), 0 for never. Of tokens, passwords and codes there are only keyed hashes.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from tortoise import fields
from tortoise.models import Model

PREFIX = "phone-"
# 1.66.x rejects the word Per30Minutes and with it all settings, the signing key among them; cancelling needs 1.67.
OLDEST = (1, 67, 0)
# By so many seconds a phone's clock may be wrong: by more, and nothing comes in by it. It tells its time anew at each
# try, so that events of any age are fresh when they come.
FRESH_S = 300


@dataclass(frozen=True, slots=True)
class Sim:
    """One SIM card of a phone."""

    number: int  # its place, from 1 on, as the phone counts
    phone: str = ""  # its own number in E.164, where the phone tells it
    carrier: str = ""  # its operator, where the phone tells it
    failures: int = 0  # generic failures in a row
    stopped: str = ""  # why nothing goes out by it; empty when it is well


class Phone(Model):
    """One gateway phone. As a gateway, as a device and in its webhook address it is called `phone-<id>`, which stays
    when the office renames it."""

    id = fields.BigIntField(primary_key=True)
    name = fields.CharField(100)  # the office's
    # How it shows who it is
    token_hash = fields.CharField(64, default="")
    former_hash = fields.CharField(64, default="")  # of the token before this one
    login = fields.CharField(20, default="")
    password_hash = fields.CharField(64, default="")
    code_hash = fields.CharField(64, default="")  # of the code with which a handset registers
    code_until = fields.BigIntField(default=0)
    code_tries = fields.SmallIntField(default=0)  # wrong ones
    signing_key = fields.TextField()  # encrypted
    # What it tells of itself
    model = fields.CharField(100, default="")
    version = fields.CharField(20, default="")  # of its app
    push = fields.BooleanField(default=False)  # it waits for a cloud to wake it, and not for us
    sims = fields.TextField(default="[]")
    battery = fields.SmallIntField(null=True)  # percent
    charging = fields.BooleanField(null=True)
    network = fields.CharField(20, default="")  # by which it reaches us
    clock_offset = fields.BigIntField(default=0)  # by how many seconds its clock is ahead
    # What we know of it
    paused = fields.BooleanField(default=False)  # by the office
    added_at = fields.BigIntField()
    linked_at = fields.BigIntField(default=0)  # when its handset registered
    unlinked_at = fields.BigIntField(default=0)
    seen_at = fields.BigIntField(default=0)  # when it last called
    webhook_at = fields.BigIntField(default=0)  # when it last called a webhook
    export_since = fields.BigIntField(default=0)  # since when its SMS are to be asked for; 0 when they need not be
    lost = fields.CharField(200, default="")  # which SMS may be missing, in a sentence
    wrong_signatures = fields.IntField(default=0, db_default=0)  # events that another key had signed, since a right one
    wrong_signature_at = fields.BigIntField(default=0, db_default=0)  # when the last of these came

    @property
    def gateway(self) -> str:
        return f"{PREFIX}{self.id}"

    @property
    def stopped(self) -> str:
        """Why it can carry nothing: its app is too old, or no SIM card of it sends; empty when it can."""
        sims = read_sims(self.sims)
        return outdated(self.version) or (sims[0].stopped if sims and all(sim.stopped for sim in sims) else "")


class PhoneReceiver(Model):
    """Somebody whom a SIM wrote to in a month: operators count different receivers."""

    id = fields.BigIntField(primary_key=True)
    phone_id = fields.BigIntField()
    sim = fields.SmallIntField()
    month = fields.IntField()  # 202611
    receiver = fields.CharField(16)

    class Meta:
        table = "phone_receiver"
        unique_together = (("phone_id", "sim", "month", "receiver"),)


class PhonePart(Model):
    """A delivered part of a message of several parts."""

    id = fields.BigIntField(primary_key=True)
    outbox_id = fields.BigIntField()
    event_id = fields.CharField(120)  # of the event that said so

    class Meta:
        table = "phone_part"
        unique_together = (("outbox_id", "event_id"),)


def too_old(version: str) -> bool:
    """Whether this version of the app may carry nothing. One that is not known yet may."""
    return bool(version) and tuple(map(int, version.split("."))) < OLDEST


def outdated(version: str) -> str:
    """Why a phone with this version may carry nothing; empty when it may."""
    oldest = ".".join(map(str, OLDEST))
    return f"Its app is {version} and gets no messages: install {oldest} or newer." if too_old(version) else ""


def read_sims(text: str) -> list[Sim]:
    """The SIM cards as `Phone.sims` keeps them."""
    return [Sim(**each) for each in json.loads(text)]


def write_sims(sims: Iterable[Sim]) -> str:
    return json.dumps([asdict(each) for each in sims], ensure_ascii=False, separators=(",", ":"))


def phone_id(gateway: str) -> int:
    """The id in `phone-<id>`; 0 for what is no phone's name."""
    number = gateway.removeprefix(PREFIX)
    known = gateway.startswith(PREFIX) and number.isascii() and number.isdigit() and len(number) < 10
    return int(number) if known else 0
