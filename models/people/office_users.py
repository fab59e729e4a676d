"""Who may sign in to the office's page: each change notes who made it, in the caller's transaction."""

from models.audit import record
from models.people.tables import OfficeUser
from models.sql import connection, execute
from models.vault import Vault

SHORTEST_PASSWORD = 10  # characters


class ShortPassword(Exception):
    """The password has fewer characters than `SHORTEST_PASSWORD`."""


async def set_password(name: str, password: str, *, vault: Vault, actor: str) -> None:
    """Give an office user this password, which ends all sessions; one who is new is added. Raises ShortPassword."""
    if len(password) < SHORTEST_PASSWORD:
        raise ShortPassword
    await OfficeUser.update_or_create({"password_hash": vault.hash_password(password)}, name=name)
    await record(actor, "office user", name)


async def end_sessions(user: OfficeUser) -> None:
    """End all sessions of an office user, on every device."""
    await execute(connection(), "UPDATE officeuser SET session_epoch = session_epoch + 1 WHERE id = $1", [user.id])
