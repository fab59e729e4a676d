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


@dataclass(frozen=True, slots=True)
class Sim:
    """One SIM card. `number` is its place from 1 on, as the phone counts; `phone` is its own number in E.164 and
    `carrier` its operator, where the phone tells them. `failures` counts generic failures in a row; `stopped` says
    why nothing goes out by it, empty when it is well."""

    number: int
    phone: str = ""
    carrier: str = ""
    failures: int = 0
    stopped: str = ""


class Phone(Model):
    """One gateway phone. As a gateway, as a device and in its webhook address its name is `phone-<id>`, which does
    not change when the office renames it. `linked_at` is when its handset registered; `lost` says which messages may
    be missing; `push` that it waits for a cloud to wake it, and not for us; `clock_offset` by how many seconds its
    clock is ahead; `wrong_signatures` how many events came in its name that another key had signed, since the last
    one that is right."""

    id = fields.IntField(primary_key=True)
    name = fields.CharField(100)
    token_hash = fields.CharField(64, default="")
    former_hash = fields.CharField(64, default="")
    login = fields.CharField(20, default="")
    password_hash = fields.CharField(64, default="")
    code_hash = fields.CharField(64, default="")
    code_until = fields.BigIntField(default=0)
    code_tries = fields.SmallIntField(default=0)
    signing_key = fields.TextField()
    model = fields.CharField(100, default="")
    version = fields.CharField(20, default="")
    push = fields.BooleanField(default=False)
    sims = fields.TextField(default="[]")
    battery = fields.SmallIntField(null=True)
    charging = fields.BooleanField(null=True)
    network = fields.CharField(20, default="")
    clock_offset = fields.BigIntField(default=0)
    paused = fields.BooleanField(default=False)
    added_at = fields.BigIntField()
    linked_at = fields.BigIntField(default=0)
    unlinked_at = fields.BigIntField(default=0)
    seen_at = fields.BigIntField(default=0)
    webhook_at = fields.BigIntField(default=0)
    export_since = fields.BigIntField(default=0)
    lost = fields.CharField(200, default="")
    wrong_signatures = fields.IntField(default=0, db_default=0)
    wrong_signature_at = fields.BigIntField(default=0, db_default=0)

    @property
    def gateway(self) -> str:
        return f"{PREFIX}{self.id}"

    @property
    def stopped(self) -> str:
        """Why it can carry nothing: its app is too old, or no SIM card of it sends; empty when it can."""
        sims = read_sims(self.sims)
        return outdated(self.version) or (sims[0].stopped if sims and all(sim.stopped for sim in sims) else "")


class PhoneReceiver(Model):
    """Somebody whom a SIM wrote to in a month (202611): operators count different receivers."""

    id = fields.BigIntField(primary_key=True)
    phone_id = fields.IntField()
    sim = fields.SmallIntField()
    month = fields.IntField()
    receiver = fields.CharField(16)

    class Meta:
        table = "phone_receiver"
        unique_together = (("phone_id", "sim", "month", "receiver"),)


class PhonePart(Model):
    """A delivered part of a message of several parts, by the id of the event that told so."""

    id = fields.BigIntField(primary_key=True)
    outbox_id = fields.BigIntField()
    event_id = fields.CharField(120)

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
