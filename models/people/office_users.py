"""Who may sign in to the office's page: each change notes who made it, in the caller's transaction.

Whoever changes who moves money holds all who do, and then, if at all, what is asked for and links: in this order
everywhere, so that of two at once one waits for the other and neither ends in a deadlock.
"""

from datetime import UTC, datetime, timedelta

from tortoise.exceptions import IntegrityError

from models.audit import record
from models.people.sessions import end_sessions
from models.people.tables import Invitation, OfficeRole, OfficeUser
from models.sql import connection, execute, for_update, marks, now_ms, read_moment
from models.vault import Vault

SHORTEST_PASSWORD = 10  # characters
LONGEST_NAME = 100  # as its column
MOVE_MONEY = frozenset({OfficeRole.OWNER, OfficeRole.FINANCE})  # who do, and who agree to it
PROMPT = "command line"  # whom the audit names where nobody of the office signs: who looks after the server
TAKEN = frozenset({PROMPT, "demo", "nobody", "office", "silence"})  # whom the audit names so is no user

# For so long who moved money counts as a second person still: an owner who takes the other one's role away is not alone
# by that.
REST = timedelta(days=7)
# When the last one went who moved money: out of the office, or into another role. $1: since
# when. $2: whose doing is left out.
LAST_GONE = """SELECT created_at FROM audit WHERE action IN ('office role', 'office user removed') AND created_at > $1
  AND actor <> $2 AND old IN ('owner', 'finance') AND new NOT IN ('owner', 'finance')
  ORDER BY created_at DESC LIMIT 1"""


class ShortPassword(Exception):
    """The password has fewer characters than `SHORTEST_PASSWORD`."""


class BadName(Exception):
    """Nobody can have this name: it is empty, too long, has strange letters, or the audit means another by it."""


class UserExists(Exception):
    """Somebody signs in with this name already."""


class LastUser(Exception):
    """There would be no owner any more, and nobody to make one."""


class NeedsSecond(Exception):
    """Two who move money are there, or were some days ago: that there is one more takes a second person
    (models/people/promotions.py)."""


async def create_user(name: str, password: str, role: OfficeRole, *, vault: Vault, actor: str) -> OfficeUser:
    """A new office user. Raises ShortPassword, BadName and UserExists."""
    password_hash = _hash(password, vault)
    name = " ".join(name.split())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name.lower() in TAKEN:
        raise BadName(name)
    if await find_user(name):
        raise UserExists(name)
    try:
        user = await OfficeUser.create(name=name, password_hash=password_hash, role=role.value)
    except IntegrityError as error:  # somebody took the name at this moment
        raise UserExists(name) from error
    await record(actor, "office user", name, role.value)
    return user


async def add_user(name: str, password: str, *, vault: Vault, actor: str, role: OfficeRole | None = None) -> OfficeUser:
    """The same; without a role the first one is the owner, and others help callers."""
    if role is None:
        role = OfficeRole.SUPPORT if await has_owner() else OfficeRole.OWNER
    return await create_user(name, password, role, vault=vault, actor=actor)


async def has_owner() -> bool:
    """Whether anybody may do everything."""
    return await OfficeUser.exists(role=OfficeRole.OWNER.value, removed_at=None)


async def find_user(name: str) -> OfficeUser | None:
    """Who signs in with this name."""
    return await OfficeUser.get_or_none(name=name, removed_at=None)


async def get_user(number: int) -> OfficeUser | None:
    """Who has this number and is not removed."""
    return await OfficeUser.get_or_none(id=number, removed_at=None)


async def list_users() -> list[OfficeUser]:
    """All who may sign in, by name."""
    return await OfficeUser.filter(removed_at=None).order_by("name")


async def change_password(user: OfficeUser, password: str, *, vault: Vault, actor: str) -> None:
    """Give an office user another password, which ends all sessions of this user; links to set one work no more.
    Raises ShortPassword."""
    user.password_hash = _hash(password, vault)
    await OfficeUser.filter(id=user.id).update(password_hash=user.password_hash)
    await Invitation.filter(user_id=user.id, used_at=0, withdrawn_at=0).update(withdrawn_at=now_ms())
    await end_sessions(user)
    await record(actor, "office password", user.name)


async def change_role(
    user: OfficeUser, role: OfficeRole, *, actor: str, agreed: bool = False, at_prompt: bool = False
) -> bool:
    """Give an office user another role, which ends all sessions of this user; False when it is the one already. Raises
    LastUser, and NeedsSecond unless a second person `agreed`."""
    await hold_movers()
    fresh = await OfficeUser.get(id=user.id)
    if fresh.role == role:
        return False
    if role is not OfficeRole.OWNER and await _is_last_owner(user):
        raise LastUser(user.name)
    if not agreed:
        await check_alone(role, fresh.role, at_prompt=at_prompt)
    await OfficeUser.filter(id=user.id).update(role=role.value)
    await end_sessions(user)
    user.role = role
    await record(actor, "office role", user.name, old=fresh.role.value, new=role.value)
    return True


async def change_language(user: OfficeUser, language: str) -> None:
    """The language of the pages for this user; empty: as the browser asks."""
    await OfficeUser.filter(id=user.id).update(language=language)
    user.language = language


async def remove_user(user: OfficeUser, *, actor: str) -> None:
    """An office user signs in no more and has no session any more; the name is free for another. Raises LastUser."""
    await hold_movers()
    if await _is_last_owner(user):
        raise LastUser(user.name)
    role = (await OfficeUser.get(id=user.id)).role
    gone = OfficeUser.filter(id=user.id, removed_at=None)
    if await gone.update(removed_at=datetime.now(UTC), password_hash="", factor=""):
        await end_sessions(user)
        await record(actor, "office user removed", user.name, old=role.value)


async def check_alone(role: OfficeRole, former: OfficeRole = OfficeRole.AUDITOR, *, at_prompt: bool = False) -> None:
    """Raises NeedsSecond when one alone may not give this role to whom has the `former` one: it moves money, or more of
    it, and two who do are there, or were within `REST`. They are held until the commit. Who looks after the server is
    alone as soon as there is one left."""
    more = role is OfficeRole.OWNER or former not in MOVE_MONEY
    if not (role in MOVE_MONEY and role is not former and more):
        return
    if len(await hold_movers()) > 1 or (not at_prompt and await alone_from() is not None):
        raise NeedsSecond


async def alone_from() -> datetime | None:
    """From when on one who is left alone decides alone; None: from now on. It says nothing of how many are there."""
    rows = await execute(connection(), LAST_GONE, [datetime.now(UTC) - REST, PROMPT])
    return read_moment(rows[0]["created_at"]) + REST if rows else None


async def check_way_in(user: OfficeUser) -> None:
    """Raises NeedsSecond when one alone may not give this user a new way in: who did that for one of two who move money
    could sign in as both."""
    movers = await hold_movers()
    if user.id in movers and len(movers) > 1:
        raise NeedsSecond


async def hold_movers(*others: int) -> set[int]:
    """All who move money, held until the commit, and then these others. Of two at once the later one sees what the
    earlier one made of them."""
    roles = [role.value for role in MOVE_MONEY]
    moves = f"role IN ({marks(len(roles))}) AND removed_at IS NULL"
    await execute(connection(), f"SELECT id FROM officeuser WHERE {moves} ORDER BY id{for_update()}", roles)
    if others:
        these = f"SELECT id FROM officeuser WHERE id IN ({marks(len(others))}) ORDER BY id{for_update()}"
        await execute(connection(), these, others)
    rows = await execute(connection(), f"SELECT id FROM officeuser WHERE {moves}", roles)
    return {row["id"] for row in rows}


async def _is_last_owner(user: OfficeUser) -> bool:
    """Whether nobody else is one; all who move money are held."""
    owners = await OfficeUser.filter(role=OfficeRole.OWNER.value, removed_at=None).values_list("id", flat=True)
    return set(owners) <= {user.id}


def _hash(password: str, vault: Vault) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise ShortPassword
    return vault.hash_password(password)
