"""Who becomes an owner or of finance where two who move money are there already: one asks for it, another one agrees.

Who is alone makes the first one of them alone. What is asked for is a new role of somebody who signs in already, or a
link for somebody who does not; a link that was made before there were two goes on working for its three days.
"""

from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from models.audit import record
from models.people.invitations import invite
from models.people.office_users import NeedsSecond, change_role
from models.people.tables import OfficeRole, OfficeUser
from models.people.two_people import check_second
from models.sql import connection, cut, execute, now_ms

DECIDE = """UPDATE office_promotion SET state = $2, second_id = $3, decided_at = $4 WHERE id = $1 AND state = 'asked'
  RETURNING id"""
ASK = """INSERT INTO office_promotion (role, whom, user_id, by_id, asked_at, state) VALUES ($1, $2, $3, $4, $5, 'asked')
  ON CONFLICT DO NOTHING RETURNING id"""


class Step(StrEnum):
    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class Promotion(Model):
    """What an owner asks for, and who decided it. This file alone writes it. Milliseconds."""

    id = fields.BigIntField(primary_key=True)
    role = fields.CharField(10)
    whom = fields.CharField(100)  # the name of who signs in, or an invited one in the owner's words
    user: fields.ForeignKeyNullableRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", related_name="promotions", null=True, on_delete=fields.RESTRICT
    )  # who signs in already; of each at most one is open
    user_id: int | None
    by: fields.ForeignKeyRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", related_name="promoted", on_delete=fields.RESTRICT
    )
    by_id: int
    asked_at = fields.BigIntField()
    state = fields.CharField(10, default=Step.ASKED.value)
    second: fields.ForeignKeyNullableRelation[OfficeUser] = fields.ForeignKeyField(
        "models.OfficeUser", related_name="decided_promotions", null=True, on_delete=fields.RESTRICT
    )  # who decided it: where it was done, somebody else
    second_id: int | None
    decided_at = fields.BigIntField(default=0, db_default=0)

    class Meta:
        table = "office_promotion"


class NotAsked(Exception):
    """It is decided, nobody asked for it, or who asked is no owner any more, or whom it is about signs in no more."""


class OtherRole(Exception):
    """Another role is asked for, by `by`, and is not decided."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


async def give_role(user: OfficeUser, role: OfficeRole, *, by: OfficeUser) -> bool | None:
    """Give somebody another role; True when it is done, False when it was so already, and None when it waits for a
    second person. Raises LastUser and OtherRole."""
    try:
        return await change_role(user, role, actor=by.name)
    except NeedsSecond:
        await _ask(role, user.name, by, user)
        return None


async def let_in(role: OfficeRole, whom: str, *, by: OfficeUser) -> bool:
    """Make a link for a new user of this role; False when it waits for a second person."""
    try:
        await invite(role, whom, by=by)
    except NeedsSecond:
        await _ask(role, whom, by, None)
        return False
    return True


async def _ask(role: OfficeRole, whom: str, by: OfficeUser, user: OfficeUser | None) -> None:
    values = [role.value, cut(whom, 100), user.id if user else None, by.id, now_ms()]
    if await execute(connection(), ASK, values):
        await record(by.name, "office role asked", cut(whom, 100), role.value)
    elif user and (open_one := await find_open(user)) and (open_one.role != role or open_one.by_id != by.id):
        raise OtherRole(open_one.by.name)


async def agree(number: int, by: OfficeUser) -> Promotion:
    """A second person agrees, and it is done: the role is given, or the link is there. In the caller's transaction.
    Raises SamePerson and NotAsked."""
    found = await _find(number)
    check_second(by.name, found.by.name)
    asker = found.by
    gone = asker.removed_at is not None or asker.role is not OfficeRole.OWNER
    if gone or (found.user is not None and found.user.removed_at is not None):
        raise NotAsked(number)
    await _decide(found, Step.DONE, by)
    await record(by.name, "office role agreed", found.whom, f"{found.role}, asked by {asker.name}")
    role = OfficeRole(found.role)
    if found.user is None:
        await invite(role, found.whom, by=asker, agreed=True)
    else:
        await change_role(found.user, role, actor=by.name, agreed=True)
    return found


async def refuse(number: int, by: OfficeUser) -> None:
    """It is not done: somebody else says no, or who asked takes it back. In the caller's transaction. Raises
    NotAsked."""
    found = await _find(number)
    await _decide(found, Step.REFUSED, by)
    await record(by.name, "office role refused", found.whom, f"{found.role}, asked by {found.by.name}")


async def find_open(user: OfficeUser) -> Promotion | None:
    """What waits for a second person about this user."""
    found = Promotion.filter(user_id=user.id, state=Step.ASKED.value).select_related("by")
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
