"""The tables of the machinery: what came in, what goes out, who we talk with. Times are milliseconds (UTC)."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model


class Inbox(Model):
    """Every SMS that was accepted. `text` has PINs starred out; while it waits to be handled the text as it
    came is in `sealed`, encrypted, and is wiped when it is done."""

    id = fields.BigIntField(primary_key=True)
    gateway = fields.CharField(40)
    external_id = fields.CharField(120)
    phone = fields.CharField(40)
    sender_kind = fields.CharField(6)
    recipient = fields.CharField(40, default="")
    network = fields.CharField(10, default="")
    text = fields.TextField()
    sealed = fields.TextField(null=True)
    received_at = fields.BigIntField()
    state = fields.CharField(8, default="new")
    outcome = fields.CharField(40, default="")
    error = fields.TextField(default="")

    class Meta:
        unique_together = (("gateway", "external_id"),)
        indexes = (("received_at",),)


class MessageKind(StrEnum):
    """What kind of message goes out; the order is the order of sending."""

    TOKEN = "token"  # noqa: S105 - a kind of message
    REPLY = "reply"
    REMINDER = "reminder"
    BROADCAST = "broadcast"


class State(StrEnum):
    """`waiting` may be sent now, `scheduled` not before `due_at`, `sending` is with a sender; `sent` is with the
    gateway. `uncertain` may or may not be with it. The other three are final."""

    WAITING = "waiting"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"
    DELIVERED = "delivered"


class Outbox(Model):
    """Every SMS that we promised to send. `origin` names what it answers, so it is promised once. It was given to its
    gateway at `assigned_at`; `tried_before` names those that it has left for good, a space after each."""

    id = fields.BigIntField(primary_key=True)
    origin = fields.CharField(80, unique=True)
    phone = fields.CharField(16)
    text = fields.TextField()
    kind = fields.CharField(10)
    priority = fields.SmallIntField()
    gateway = fields.CharField(40)
    state = fields.CharField(10, default="waiting", db_default="waiting")
    created_at = fields.BigIntField()
    due_at = fields.BigIntField()
    expires_at = fields.BigIntField()
    claimed_by = fields.CharField(32, default="", db_default="")
    claimed_at = fields.BigIntField(default=0, db_default=0)
    sim = fields.SmallIntField(default=0, db_default=0)
    tries = fields.IntField(default=0, db_default=0)
    unknowns = fields.IntField(default=0, db_default=0)
    external_id = fields.CharField(120, default="", db_default="")
    error = fields.CharField(40, default="", db_default="")
    parts = fields.SmallIntField(default=1, db_default=1)
    cost = fields.CharField(20, default="", db_default="")
    sent_at = fields.BigIntField(default=0, db_default=0)
    delivered_at = fields.BigIntField(default=0, db_default=0)
    assigned_at = fields.BigIntField(default=0, db_default=0)
    tried_before = fields.CharField(200, default="", db_default="")

    class Meta:
        indexes = (("phone", "id"), ("created_at",))


class ContactRow(Model):
    """One row for each phone that wrote to us: its open SMS talk and what the guards count."""

    phone = fields.CharField(40, primary_key=True)
    language = fields.CharField(2, default="", db_default="")
    talk = fields.TextField(default="", db_default="")
    stopped_at = fields.BigIntField(default=0, db_default=0)
    silent_until = fields.BigIntField(default=0, db_default=0)
    bad_text = fields.CharField(64, default="", db_default="")
    bad_count = fields.IntField(default=0, db_default=0)
    bad_since = fields.BigIntField(default=0, db_default=0)
    replies = fields.IntField(default=0, db_default=0)
    replies_since = fields.BigIntField(default=0, db_default=0)
    network = fields.CharField(10, default="", db_default="")

    class Meta:
        table = "contact"


class Draft(Model):
    """A talk that was begun and not ended: its answers, for bot/talks/drafts.py to offer again. `name` is the run's."""

    name = fields.CharField(100, primary_key=True)
    phone = fields.CharField(40)
    talk = fields.CharField(40)
    answers = fields.TextField()
    updated_at = fields.BigIntField(db_index=True)

    class Meta:
        indexes = (("phone", "talk"),)


class UssdSession(Model):
    """A dialled session. Of the transcript only length and keyed hash are kept: it may hold a PIN."""

    id = fields.BigIntField(primary_key=True)
    gateway = fields.CharField(40)
    service_code = fields.CharField(40)
    session_id = fields.CharField(120)
    phone = fields.CharField(40)
    transcript_length = fields.IntField(default=0)
    transcript_mac = fields.CharField(64, default="")
    talk = fields.TextField(default="")
    pin_given = fields.BooleanField(default=False)
    open = fields.BooleanField(default=True)
    started_at = fields.BigIntField()
    updated_at = fields.BigIntField()

    class Meta:
        unique_together = (("gateway", "service_code", "session_id"),)
        indexes = (("phone", "id"), ("updated_at",))


class UssdTurn(Model):
    """The answer to one turn, so that a repeated turn is answered from here. `mac` is the transcript's."""

    id = fields.BigIntField(primary_key=True)
    session: fields.ForeignKeyRelation[UssdSession] = fields.ForeignKeyField("models.UssdSession")
    mac = fields.CharField(64)
    response = fields.TextField()
    created_at = fields.BigIntField()

    class Meta:
        unique_together = (("session", "mac"),)


class GatewayState(Model):
    """What is known of a gateway: its last word, whether it is paused, how often in a row it failed, and what the
    office was `told` of it (`down`, or nothing). A test message left at `tested_at`; the last one that came back took
    `round_trip` milliseconds. `airtime` is what is left of it, in the operator's own figures."""

    name = fields.CharField(40, primary_key=True)
    heard_at = fields.BigIntField(default=0, db_default=0)
    sent_at = fields.BigIntField(default=0, db_default=0)
    last_word = fields.CharField(200, default="", db_default="")
    paused_until = fields.BigIntField(default=0, db_default=0)
    alert = fields.CharField(200, default="", db_default="")
    failures = fields.IntField(default=0, db_default=0)
    failed_at = fields.BigIntField(default=0, db_default=0)
    told = fields.CharField(8, default="", db_default="")
    told_at = fields.BigIntField(default=0, db_default=0)
    tested_at = fields.BigIntField(default=0, db_default=0)
    returned_at = fields.BigIntField(default=0, db_default=0)
    round_trip = fields.BigIntField(default=0, db_default=0)
    lost_tests = fields.IntField(default=0, db_default=0)
    airtime = fields.CharField(40, default="", db_default="")
    airtime_at = fields.BigIntField(default=0, db_default=0)


class Refused(Model):
    """A callback that we could not read, kept for inspection (PINs starred out)."""

    id = fields.BigIntField(primary_key=True)
    gateway = fields.CharField(40)
    reason = fields.CharField(200)
    body = fields.TextField()
    created_at = fields.BigIntField(db_index=True)


# How long each class is worth sending, in hours: an old reply answers nobody, a token is paid for.
LIFE = {MessageKind.TOKEN: 72, MessageKind.REPLY: 6, MessageKind.REMINDER: 24, MessageKind.BROADCAST: 2}
