"""The sessions of who is signed in to the office: a random name in the browser's cookie, and its hash in a row."""

import hashlib
import secrets
from dataclasses import dataclass

from models.audit import record
from models.people.tables import OfficeSession, OfficeUser
from models.sql import DAY_MS, HOUR_MS, MINUTE_MS, connection, cut, execute, now_ms

IDLE_MS = 30 * MINUTE_MS  # without a page
LIFE_MS = 12 * HOUR_MS  # however busy
SEEN_MS = MINUTE_MS  # when a session was seen is written no more often than this
KEPT_MS = 7 * DAY_MS  # a row that is over still says whose form was filled in
PURGE = (
    "DELETE FROM office_session WHERE id IN (SELECT id FROM office_session WHERE created_at < $1 LIMIT $2) RETURNING id"
)


@dataclass(frozen=True)
class Known:
    """The session behind a cookie. One that is over opens nothing."""

    session: OfficeSession
    user: OfficeUser
    over: bool


async def begin_session(user: OfficeUser, *, address: str, browser: str, typed: str = "") -> str:
    """A new session of an office user as he is in memory, whose password was just compared: its secret name. If the
    password or the role has changed since he was read, it is over from the beginning. `typed` is a sealed form to be
    shown again."""
    name, now = secrets.token_urlsafe(32), now_ms()
    await OfficeSession.create(
        hash=_hash(name),
        user_id=user.id,
        role=user.role,
        epoch=user.session_epoch,
        created_at=now,
        seen_at=now,
        address=cut(address, 45),
        browser=cut(browser, 200),
        typed=typed,
    )
    return name


async def find_session(name: str) -> Known | None:
    """The session with this secret name, and whose it is, in one statement. Rows that are over are found for some days,
    unless somebody ended them."""
    found = await OfficeSession.filter(hash=_hash(name)).select_related("user").first() if name else None
    return Known(found, found.user, over=_is_over(found, found.user, now_ms())) if found else None


def _is_over(session: OfficeSession, user: OfficeUser, now: int) -> bool:
    left = (session.epoch, session.role) != (user.session_epoch, user.role) or user.removed_at is not None
    return bool(left or now - session.seen_at > IDLE_MS or now - session.created_at > LIFE_MS)


def is_due(session: OfficeSession) -> bool:
    """Whether it is to be written that this session was seen."""
    return bool(now_ms() - session.seen_at >= SEEN_MS)


async def see(session: OfficeSession) -> None:
    """Somebody asked for a page with this session now."""
    now = now_ms()
    await execute(
        connection(),
        "UPDATE office_session SET seen_at = $2 WHERE id = $1 AND seen_at <= $3",
        [session.id, now, now - SEEN_MS],
    )


async def keep_typed(session: OfficeSession, sealed: str) -> None:
    """Keep a form that was filled in, for the page that shows it again; empty: forget it."""
    await OfficeSession.filter(id=session.id).update(typed=sealed)


async def list_sessions(user: OfficeUser) -> list[OfficeSession]:
    """The sessions of an office user that are not over, the last seen first."""
    now = now_ms()
    going = OfficeSession.filter(user_id=user.id, epoch=user.session_epoch, role=user.role)
    return await going.filter(seen_at__gte=now - IDLE_MS, created_at__gte=now - LIFE_MS).order_by("-seen_at", "-id")


async def end_session(user: OfficeUser, number: int, *, actor: str, why: str = "session ended") -> bool:
    """End one session of this user. False when there is none with this number."""
    ended = await OfficeSession.filter(id=number, user_id=user.id).delete()
    if ended:
        await record(actor, why, user.name)
    return bool(ended)


async def drop_session(session: OfficeSession) -> None:
    """End a session in whose place another one begins."""
    await OfficeSession.filter(id=session.id).delete()


async def end_other_sessions(user: OfficeUser, kept: OfficeSession, *, actor: str) -> int:
    """End all sessions of this user but one: how many."""
    others = [each.id for each in await list_sessions(user) if each.id != kept.id]
    await OfficeSession.filter(user_id=user.id).exclude(id=kept.id).delete()
    if others:
        await record(actor, "sessions ended", user.name, f"{len(others)} others")
    return len(others)


async def end_sessions(user: OfficeUser) -> None:
    """End all sessions of an office user, those too that somebody begins at this moment."""
    rows = await execute(
        connection(),
        "UPDATE officeuser SET session_epoch = session_epoch + 1 WHERE id = $1 RETURNING session_epoch",
        [user.id],
    )
    user.session_epoch = int(rows[0]["session_epoch"])
    await OfficeSession.filter(user_id=user.id).delete()


def _hash(name: str) -> str:
    """The name has 256 random bits: its hash needs no key."""
    return hashlib.sha256(name.encode(errors="replace")).hexdigest()
