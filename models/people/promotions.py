"""Who becomes an owner or of finance where two who move money are there already, and who of them gets a new way in: one
asks for it, another one agrees.

Who is alone makes the first one of them alone, but not who has just made himself alone: who lost the role, or was
removed, counts as a second person for some days more (`REST`), so that nothing is gained by it. Whoever looks after the
server gives the role at once. What is asked for is a new role of somebody who signs in already, or a
link for somebody who does not; and for one who moves money a link to set a new password, or the second factor taken
away, since who did that alone could sign in as two. A link that was made before there were two is asked about again
when it is used.
"""

from datetime import datetime
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.people.invitations import invite, offer_password, withdraw
from models.people.office_users import NeedsSecond, alone_from, change_role, check_way_in, hold_movers
from models.people.second_factor import reset
from models.people.tables import Invitation, OfficeRole, OfficeUser
from models.people.two_people import check_second
from models.sql import connection, cut, execute, now_ms

DECIDE = """UPDATE office_promotion SET state = $2, second_id = $3, decided_at = $4 WHERE id = $1 AND state = 'asked'
  RETURNING id"""
CLOSE = """UPDATE office_promotion SET state = 'refused', decided_at = $2 WHERE id = $1 AND state = 'asked'
  RETURNING id"""
ASK = """INSERT INTO office_promotion (role, whom, user_id, by_id, asked_at, what, state)
  VALUES ($1, $2, $3, $4, $5, $6, 'asked') ON CONFLICT DO NOTHING RETURNING id"""


class What(StrEnum):
    """What is asked for."""

    ROLE = "role"
    PASSWORD = "password"  # noqa: S105 - a link to set a new one
    FACTOR = "factor"  # that the second one is taken away


class Step(StrEnum):
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class Promotion(Model):
    """What an owner asks for, and who decided it. This file alone writes it. Milliseconds."""

    id = fields.BigIntField(primary_key=True)
    what = fields.CharEnumField(What, max_length=10, default=What.ROLE, db_default="role")
    role = fields.CharField(10)  # which one, or which one it is
    whom = fields.CharField(100)  # the name of who signs in, or an invited one in the owner's words
    user: fields.ForeignKeyNullableRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", related_name="promotions", null=True, on_delete=fields.RESTRICT
    )  # who signs in already; of each and what is asked for at most one is open
    user_id: int | None
    by: fields.ForeignKeyRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", related_name="promoted", on_delete=fields.RESTRICT
    )
    by_id: int
    asked_at = fields.BigIntField()
    state = fields.CharField(10, default=Step.ASKED.value)
    second: fields.ForeignKeyNullableRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", related_name="decided_promotions", null=True, on_delete=fields.RESTRICT
    )  # who decided it: where it was done, somebody else; of a way in neither whose it is
    second_id: int | None
    decided_at = fields.BigIntField(default=0, db_default=0)

    class Meta:
        table = "office_promotion"


class NotAsked(Exception):
    """It is decided, nobody asked for it, who asked is no owner any more, who agrees moves no money any more, or whom
    it is about signs in no more."""


class NobodyElse(Exception):
    """Nobody who moves money is there but the one who asks and the one whom it is about."""


class NotYetAlone(Exception):
    """Nobody else who moves money is there any more, and it is too early to decide alone: before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class AboutOneself(Exception):
    """Nobody agrees to a new way in of his own: whoever sits at his screen could."""


class OtherRole(Exception):
    """Another role is asked for, by `by`, and is not decided."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


async def give_role(user: OfficeUser, role: OfficeRole, *, by: OfficeUser) -> bool | None:
    """Give somebody another role; True when it is done, False when it was so already, and None when it waits for a
    second person. Raises LastUser, OtherRole and NotYetAlone."""
    try:
        changed = await change_role(user, role, actor=by.name)
    except NeedsSecond:
        await _check_somebody_else(by)
        await _ask(What.ROLE, role, user.name, by, user)
        return None
    await _close_given(user, role, by.name)
    return changed


async def give_role_at_prompt(user: OfficeUser, role: OfficeRole, *, actor: str) -> None:
    """Give somebody another role as who looks after the server. Raises LastUser and NeedsSecond."""
    await change_role(user, role, actor=actor, at_prompt=True)
    await _close_given(user, role, actor)


async def _close_given(user: OfficeUser, role: OfficeRole, actor: str) -> None:
    """What was asked for is there: nobody has to agree to it any more."""
    waits = await find_open(user)
    if waits and waits.role == role and await execute(connection(), CLOSE, [waits.id, now_ms()]):
        await record(
            actor, "office role closed", waits.whom, f"{role.value}, asked by {waits.by.name}: it is so already"
        )


async def let_in(role: OfficeRole, whom: str, *, by: OfficeUser) -> bool:
    """Make a link for a new user of this role; False when it waits for a second person. Raises NotYetAlone."""
    try:
        await invite(role, whom, by=by)
    except NeedsSecond:
        await _check_somebody_else(by)
        await _ask(What.ROLE, role, whom, by, None)
        return False
    return True


async def renew_password(user: OfficeUser, *, by: OfficeUser) -> bool:
    """Make a link to set a new password; False when it waits for a second person. Raises NobodyElse."""
    try:
        await offer_password(user, by=by)
    except NeedsSecond:
        await _ask_way_in(What.PASSWORD, user, by)
        return False
    return True


async def take_factor_away(user: OfficeUser, *, by: OfficeUser) -> bool:
    """The phone of somebody is lost; False when it waits for a second person. Raises NobodyElse."""
    try:
        await check_way_in(user)
    except NeedsSecond:
        await _ask_way_in(What.FACTOR, user, by)
        return False
    await reset(user, actor=by.name)
    return True


async def ask_again(link: Invitation) -> bool:
    """A link was used to which nobody agreed, and by now it takes two: it works no more, and a second person is
    asked; False where there is none, and it is over."""
    await hold_movers()
    by = await OfficeUser.get(id=link.by_id)
    if not await withdraw(link.id, by=by):
        return True  # it was used twice at once
    try:
        if link.user is None:
            await let_in(OfficeRole(link.role), link.whom, by=by)
        else:
            await renew_password(link.user, by=by)
    except (NobodyElse, NotYetAlone):
        return False
    return True


async def _check_somebody_else(by: OfficeUser) -> None:
    """Raises NotYetAlone where nobody could agree: one was there until a few days ago."""
    until = await alone_from()
    if until is not None and not await hold_movers() - {by.id}:
        raise NotYetAlone(until)


async def _ask_way_in(what: What, user: OfficeUser, by: OfficeUser) -> None:
    if not await hold_movers() - {user.id, by.id}:
        raise NobodyElse
    await _ask(what, user.role, user.name, by, user)


async def _ask(what: What, role: OfficeRole, whom: str, by: OfficeUser, user: OfficeUser | None) -> None:
    whom = cut(whom, 100)
    if await execute(connection(), ASK, [role.value, whom, user.id if user else None, by.id, now_ms(), what.value]):
        await record(by.name, f"office {what} asked", whom, role.value)
        return
    other = await find_open(user) if user and what is What.ROLE else None
    if other and (other.role != role or other.by_id != by.id):
        raise OtherRole(other.by.name)


async def agree(number: int, by: OfficeUser) -> Promotion:
    """A second person agrees, and it is done: the role is given, the link is there, or the second factor is taken away.
    In the caller's transaction. Raises SamePerson, AboutOneself and NotAsked."""
    movers = await hold_movers()  # who asked, or who agrees, may be made something else, or go, in this moment
    found = await _find(number)
    if by.id not in movers:
        raise NotAsked(number)
    check_second(by.name, found.by.name)
    if found.what is not What.ROLE and found.user_id == by.id:
        raise AboutOneself
    asker = found.by
    gone = asker.removed_at is not None or asker.role is not OfficeRole.OWNER
    if gone or (found.user is not None and found.user.removed_at is not None):
        raise NotAsked(number)
    await _decide(found, Step.DONE, by)
    await record(by.name, f"office {found.what} agreed", found.whom, f"{found.role}, asked by {asker.name}")
    role = OfficeRole(found.role)
    if found.user is None:
        await invite(role, found.whom, by=asker, agreed=True)
    elif found.what is What.PASSWORD:
        await offer_password(found.user, by=asker, agreed=True)
    elif found.what is What.FACTOR:
        await reset(found.user, actor=by.name)
    else:
        await change_role(found.user, role, actor=by.name, agreed=True)
    return found


async def refuse(number: int, by: OfficeUser) -> None:
    """It is not done: somebody else says no, or who asked takes it back. In the caller's transaction. Raises
    NotAsked."""
    found = await _find(number)
    await _decide(found, Step.REFUSED, by)
    await record(by.name, f"office {found.what} refused", found.whom, f"{found.role}, asked by {found.by.name}")


async def find_open(user: OfficeUser) -> Promotion | None:
    """The new role of this user that waits for a second person."""
    found = Promotion.filter(user_id=user.id, what=What.ROLE, state=Step.ASKED.value).select_related("by")
    return await found.first()


async def list_open(most: int) -> list[Promotion]:
    """All that waits for a second person, the oldest first."""
    return await Promotion.filter(state=Step.ASKED.value).order_by("id").limit(most).select_related("by", "user")


async def _find(number: int) -> Promotion:
    found = await Promotion.get_or_none(id=number, state=Step.ASKED.value).select_related("by", "user")
    if found is None:
        raise NotAsked(number)
    return found


async def _decide(found: Promotion, step: Step, by: OfficeUser) -> None:
    if not await execute(connection(), DECIDE, [found.id, step.value, by.id, now_ms()]):
        raise NotAsked(found.id)
