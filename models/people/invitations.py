"""Links by which somebody sets a password: as a new user of the office, or as one who forgot his.

A link says the number of its row and a keyed hash of it and of when it was made: the database alone makes none, and
after a backup was restored, when numbers are given once more, a link of the time since opens nothing.
"""

import hmac

from tortoise.queryset import QuerySet

from models.audit import Audit, record
from models.people.office_users import (
    LONGEST_NAME,
    BadName,
    NeedsSecond,
    UserExists,
    change_password,
    check_alone,
    check_way_in,
    create_user,
    hold_movers,
)
from models.people.tables import Invitation, OfficeRole, OfficeUser
from models.sql import DAY_MS, connection, cut, execute, now_ms
from models.vault import Vault

LIFE_MS = 3 * DAY_MS
USE = """UPDATE office_invitation SET used_at = $2 WHERE id = $1 AND used_at = 0 AND withdrawn_at = 0
  AND expires_at > $2 AND by_id IN (SELECT id FROM officeuser WHERE role = 'owner' AND removed_at IS NULL)
  RETURNING id"""


class NoInvitation(Exception):
    """The link was used, withdrawn, is too old, or never was one."""


async def invite(role: OfficeRole, whom: str, *, by: OfficeUser, agreed: bool = False) -> Invitation:
    """Let somebody become a user of this role. Raises NeedsSecond unless a second person `agreed`."""
    if not agreed:
        await check_alone(role)
    await record(by.name, "office invitation", cut(whom, 100), role.value)
    return await _create(role, whom, by, None, agreed)


async def offer_password(user: OfficeUser, *, by: OfficeUser, agreed: bool = False) -> Invitation:
    """Let a user set a new password; the former one goes on working until then. A link from before works no more.
    Raises NeedsSecond unless a second person `agreed`."""
    if not agreed:
        await check_way_in(user)
    await _withdraw(Invitation.filter(user_id=user.id))
    await record(by.name, "office password link", user.name)
    return await _create(user.role, user.name, by, user, agreed)


async def _create(role: OfficeRole, whom: str, by: OfficeUser, user: OfficeUser | None, agreed: bool) -> Invitation:
    now = now_ms()
    return await Invitation.create(
        role=role.value,
        whom=cut(whom, 100),
        by_id=by.id,
        user_id=user.id if user else None,
        created_at=now,
        expires_at=now + LIFE_MS,
        agreed=agreed,
    )


def token_of(invitation: Invitation, vault: Vault) -> str:
    """The end of the link."""
    return f"{invitation.id}-{vault.mac(f'{invitation.id} {invitation.created_at}', 'invitation')[:40]}"


async def find_invitation(token: str, vault: Vault) -> Invitation:
    """The invitation of a link that still works. Raises NoInvitation."""
    number = token.partition("-")[0]
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise NoInvitation
    found = await _open().get_or_none(id=int(number)).select_related("user")
    if found is None or not hmac.compare_digest(token_of(found, vault).encode(), token.encode(errors="replace")):
        raise NoInvitation
    return found


async def list_open() -> list[Invitation]:
    """All that still work, the newest first, each with who made it."""
    return await _open().order_by("-id").select_related("by", "user")


def _open() -> QuerySet[Invitation]:
    """Of who may invite nobody any more none is open."""
    going = Invitation.filter(used_at=0, withdrawn_at=0, expires_at__gt=now_ms())
    return going.filter(by__role=OfficeRole.OWNER.value, by__removed_at=None)


async def accept(invitation: Invitation, name: str, password: str, *, vault: Vault) -> OfficeUser:
    """Become a user by an invitation, or take a new password by it. Raises NoInvitation when somebody was faster,
    NeedsSecond when nobody agreed to the link and two who move money are there by now, BadName, UserExists and
    ShortPassword."""
    await hold_movers(*filter(None, [invitation.user_id]))
    if not await execute(connection(), USE, [invitation.id, now_ms()]):
        raise NoInvitation
    if await takes_second(invitation):
        raise NeedsSecond
    if invitation.user_id:
        user = await OfficeUser.get_or_none(id=invitation.user_id, removed_at=None)
        if user is None:
            raise NoInvitation
        await change_password(user, password, vault=vault, actor=user.name)
        return user
    name = " ".join(name.split())
    await _refuse_name(name)
    user = await create_user(name, password, OfficeRole(invitation.role), vault=vault, actor=name)
    await Invitation.filter(id=invitation.id).update(user_id=user.id)
    return user


async def takes_second(invitation: Invitation) -> bool:
    """Whether somebody has to agree before this link works: one alone made it, and is not alone by now."""
    if invitation.agreed:
        return False
    try:
        if invitation.user:
            await check_way_in(invitation.user)
        else:
            await check_alone(OfficeRole(invitation.role))
    except NeedsSecond:
        return True
    return False


async def _refuse_name(name: str) -> None:
    """Who chooses his own name takes none by which the audit means somebody else: of one who is removed, or the phone
    of an agent. Raises BadName and UserExists."""
    if not any(letter.isalpha() for letter in name) or len(name) > LONGEST_NAME:
        raise BadName(name)
    if await OfficeUser.exists(name__iexact=name) or await Audit.exists(actor=name):
        raise UserExists(name)


async def withdraw(number: int, *, by: OfficeUser) -> bool:
    """Have a link work no more. False when there is none, or it was used."""
    found = await _open().get_or_none(id=number)
    if found is None or not await _withdraw(Invitation.filter(id=number)):
        return False
    await record(by.name, "office invitation withdrawn", found.whom)
    return True


async def _withdraw(which: QuerySet[Invitation]) -> int:
    return int(await which.filter(used_at=0, withdrawn_at=0).update(withdrawn_at=now_ms()))
