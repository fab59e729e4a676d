"""The tables of the machinery: what came in, what goes out, who we talk with. Times are milliseconds (UTC),
0 for never."""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model


class Inbox(Model):
    """Every SMS that was accepted."""

    id = fields.BigIntField(primary_key=True)
    gateway = fields.CharField(40)
    external_id = fields.CharField(120)  # the gateway's
    phone = fields.CharField(40)  # of the sender; where it is no number, the code or the name that stands for one
    sender_kind = fields.CharField(6)  # which of these it is
    recipient = fields.CharField(40, default="")  # our number or short code
    network = fields.CharField(10, default="")  # of the sender, as the gateway tells it
    text = fields.TextField()  # with PINs starred out
    cut_from = fields.IntField(default=0, db_default=0)  # how many characters came; 0 where all are kept
    sealed = fields.TextField(null=True)  # the text as it came, encrypted, until it was handled
    received_at = fields.BigIntField()
    state = fields.CharField(8, default="new")
    outcome = fields.CharField(40, default="")  # what came of it, as the office reads it
    error = fields.TextField(default="")  # why no talk could handle it
    aways = fields.SmallIntField(default=0, db_default=0)  # how often the database went away while it was handled
    sim = fields.SmallIntField(default=0, db_default=0)  # of the gateway phone that got it; 0 where it does not say
    reached_at = fields.BigIntField(default=0, db_default=0)  # when the gateway got it, by its clock (ms)
    answered_at = fields.BigIntField(default=0, db_default=0)  # when the office answered it, or said that it need not

    class Meta:
        unique_together = (("gateway", "external_id"),)
        indexes = (("received_at",),)


class MessageKind(StrEnum):
    """What kind of message goes out; the order is the order of sending."""

    TOKEN = "token"  # noqa: S105 - a kind of message
    REPLY = "reply"
    OFFICE = "office"  # somebody of the office wrote it, to one person
    REMINDER = "reminder"
    BROADCAST = "broadcast"


class State(StrEnum):
    """How far a message of the outbox is; bot/outbound/queue.py says what may follow on what."""

    WAITING = "waiting"  # it may be sent now
    SCHEDULED = "scheduled"  # it may be sent from `due_at` on
    SENDING = "sending"  # a sender has it
    UNCERTAIN = "uncertain"  # the gateway has it, or has it not
    SENT = "sent"  # the gateway has it
    FAILED = "failed"
    EXPIRED = "expired"
    DELIVERED = "delivered"


class Outbox(Model):
    """Every SMS that we have to send. bot/outbound/ alone writes it (its queue.py names the one exception)."""

    id = fields.BigIntField(primary_key=True)
    origin = fields.CharField(80, unique=True)  # what it answers: of two messages of one origin the first is sent
    phone = fields.CharField(16)
    text = fields.TextField()
    kind = fields.CharField(10)
    priority = fields.SmallIntField()  # the place of its kind: 0 goes first
    gateway = fields.CharField(40)  # by which it is to go, or went
    state = fields.CharField(10, default="waiting", db_default="waiting")
    created_at = fields.BigIntField()
    due_at = fields.BigIntField()  # of one that is scheduled or uncertain: when it is tried again
    expires_at = fields.BigIntField()
    claimed_by = fields.CharField(32, default="", db_default="")  # the process that sends it, or the phone
    claimed_at = fields.BigIntField(default=0, db_default=0)  # by the clock that all servers share
    sim = fields.SmallIntField(default=0, db_default=0)  # of the phone that carries it; 0 where the phone chooses
    tries = fields.IntField(default=0, db_default=0)
    unknowns = fields.IntField(default=0, db_default=0)  # how many of its tries had an unknown outcome
    interrupted = fields.IntField(default=0, db_default=0)  # how many of those the death of their sender cut off
    external_id = fields.CharField(120, default="", db_default="")  # the gateway's, or the one that a phone knows
    error = fields.CharField(40, default="", db_default="")  # of its last try, or why it ended (bot/gateways/errors.py)
    parts = fields.SmallIntField(default=1, db_default=1)  # as we count them, then as the gateway did
    cost = fields.CharField(20, default="", db_default="")  # in the gateway's words
    sent_at = fields.BigIntField(default=0, db_default=0)
    delivered_at = fields.BigIntField(default=0, db_default=0)
    assigned_at = fields.BigIntField(default=0, db_default=0)  # when it was given to this gateway
    tried_before = fields.CharField(200, default="", db_default="")  # gateways that it has left, a space after each

    class Meta:
        indexes = (("phone", "id"), ("created_at",))


class ContactRow(Model):
    """One row for each phone that wrote to us."""

    phone = fields.CharField(40, primary_key=True)
    language = fields.CharField(2, default="", db_default="")
    talk = fields.TextField(default="", db_default="")  # its open SMS talk
    stopped_at = fields.BigIntField(default=0, db_default=0)  # when it wrote STOP
    silent_until = fields.BigIntField(default=0, db_default=0)  # a stranger was told, and is not told again before
    bad_text = fields.CharField(64, default="", db_default="")  # keyed hashes of the last texts that were no commands
    bad_count = fields.IntField(default=0, db_default=0)  # how many came in a row that were not understood
    bad_repeats = fields.IntField(default=0, db_default=0)  # how many of the others had come within the hour already
    bad_since = fields.BigIntField(default=0, db_default=0)
    replies = fields.IntField(default=0, db_default=0)  # how many it got
    replies_since = fields.BigIntField(default=0, db_default=0)
    network = fields.CharField(10, default="", db_default="")  # MCC and MNC

    class Meta:
        table = "contact"


class Draft(Model):
    """A talk that was begun and not ended, for bot/talks/drafts.py to offer its answers again."""

    name = fields.CharField(100, primary_key=True)  # of the run
    phone = fields.CharField(40)
    talk = fields.CharField(40)
    answers = fields.TextField()
    updated_at = fields.BigIntField(db_index=True)

    class Meta:
        indexes = (("phone", "talk"),)


class UssdSession(Model):
    """A dialled session."""

    id = fields.BigIntField(primary_key=True)
    gateway = fields.CharField(40)
    service_code = fields.CharField(40)
    session_id = fields.CharField(120)
    phone = fields.CharField(40)
    # What was dialled so far may hold a PIN: only its length and a keyed hash of it are kept.
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
    """The answer to one turn, so that a repeated turn is answered from here."""

    id = fields.BigIntField(primary_key=True)
    session: fields.ForeignKeyRelation[UssdSession] = fields.ForeignKeyField(
        "models.UssdSession", on_delete=fields.RESTRICT
    )
    mac = fields.CharField(64)  # of the transcript
    response = fields.TextField()
    created_at = fields.BigIntField()

    class Meta:
        unique_together = (("session", "mac"),)


class GatewayState(Model):
    """What is known of a gateway. bot/routing/states.py alone writes it."""

    name = fields.CharField(40, primary_key=True)
    heard_at = fields.BigIntField(default=0, db_default=0)
    sent_at = fields.BigIntField(default=0, db_default=0)  # when it last took a message
    last_word = fields.CharField(200, default="", db_default="")  # its last answer
    paused_until = fields.BigIntField(default=0, db_default=0)
    alert = fields.CharField(200, default="", db_default="")  # why it is paused, where somebody has to do something
    failures = fields.IntField(default=0, db_default=0)  # how often in a row nothing could be handed to it
    failed_at = fields.BigIntField(default=0, db_default=0)
    told = fields.CharField(8, default="", db_default="")  # what the office was told of it: `down`, or nothing
    told_at = fields.BigIntField(default=0, db_default=0)
    tested_at = fields.BigIntField(default=0, db_default=0)  # when its last test message was enqueued
    returned_at = fields.BigIntField(default=0, db_default=0)  # when one came back last
    round_trip = fields.BigIntField(default=0, db_default=0)  # how long that one took
    lost_tests = fields.IntField(default=0, db_default=0)  # in a row
    airtime = fields.CharField(40, default="", db_default="")  # what is left, in the operator's own figures
    airtime_at = fields.BigIntField(default=0, db_default=0)


class Refused(Model):
    """A callback that we could not read, kept for inspection (PINs starred out)."""

    id = fields.BigIntField(primary_key=True)
    gateway = fields.CharField(40)
    reason = fields.CharField(200)
    body = fields.TextField()
    created_at = fields.BigIntField(db_index=True)


# How long each kind is worth sending, in hours: an old reply answers nobody, a token is paid for.
LIFE = {
    MessageKind.TOKEN: 72,
    MessageKind.REPLY: 6,
    MessageKind.OFFICE: 24,
    MessageKind.REMINDER: 24,
    MessageKind.BROADCAST: 24,  # over a night
}
