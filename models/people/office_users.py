"""Who may sign in to the office's page: each change notes who made it, in the caller's transaction."""

from datetime import UTC, datetime

from models.audit import record
from models.people.tables import OfficeUser
from models.sql import connection, execute, for_update
from models.vault import Vault

SHORTEST_PASSWORD = 10  # characters


class ShortPassword(Exception):
    """The password has fewer characters than `SHORTEST_PASSWORD`."""


class UserExists(Exception):
    """Somebody signs in with this name already."""


class LastUser(Exception):
    """Nobody else could sign in any more."""


async def add_user(name: str, password: str, *, vault: Vault, actor: str) -> OfficeUser:
    """A new office user. Raises ShortPassword and UserExists."""
    password_hash = _hash(password, vault)
    if await find_user(name):
        raise UserExists(name)
    user = await OfficeUser.create(name=name, password_hash=password_hash)
    await record(actor, "office user", name)
    return user


async def find_user(name: str) -> OfficeUser | None:
    """Who signs in with this name."""
    return await OfficeUser.get_or_none(name=name, removed_at=None)


async def list_users() -> list[OfficeUser]:
    """All who may sign in, by name."""
    return await OfficeUser.filter(removed_at=None).order_by("name")


async def change_password(user: OfficeUser, password: str, *, vault: Vault, actor: str) -> None:
    """Give an office user another password, which ends all sessions of this user. Raises ShortPassword."""
    await OfficeUser.filter(id=user.id).update(password_hash=_hash(password, vault))
    await end_sessions(user)
    await record(actor, "office password", user.name)


async def remove_user(user: OfficeUser, *, actor: str) -> None:
    """An office user signs in no more and has no session any more; the name is free for another. Raises LastUser."""
    # All are held until the commit: two who remove each other at once would leave nobody.
    held = await execute(connection(), f"SELECT id FROM officeuser WHERE removed_at IS NULL ORDER BY id{for_update()}")
    if {row["id"] for row in held} <= {user.id}:
        raise LastUser(user.name)
    await OfficeUser.filter(id=user.id).update(removed_at=datetime.now(UTC), password_hash="")
    await end_sessions(user)
    await record(actor, "office user removed", user.name)


async def end_sessions(user: OfficeUser) -> None:
    """End all sessions of an office user, on every device."""
    await execute(connection(), "UPDATE officeuser SET session_epoch = session_epoch + 1 WHERE id = $1", [user.id])


def _hash(password: str, vault: Vault) -> str:
    if len(password) < SHORTEST_PASSWORD:
        raise ShortPassword
    return vault.hash_password(password)
