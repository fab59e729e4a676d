"""Two at once about who moves money, on PostgreSQL: each holds all who do before what is asked for and links, so that
one waits for the other and neither ends in a deadlock."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from bot.server import Server
from models.people import OfficeRole, OfficeUser, invitations, promotions
from models.people.tables import Invitation

# As whoever gives a role, makes a link, or removes somebody does first.
HOLD = "SELECT id FROM officeuser WHERE role IN ('owner', 'finance') AND removed_at IS NULL ORDER BY id FOR UPDATE"
REACH = (
    "SELECT 1 FROM office_promotion FOR UPDATE NOWAIT",
    "SELECT 1 FROM office_invitation FOR UPDATE NOWAIT",
    "SELECT 1 FROM officeuser WHERE name = 'tatu' FOR UPDATE NOWAIT",
)
WAITS = """SELECT COUNT(*) FROM pg_stat_activity
  WHERE wait_event_type = 'Lock' AND datname = current_database()"""


@pytest.fixture(params=["postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def find(name: str) -> OfficeUser:
    return await OfficeUser.get(name=name)


async def the_link() -> Invitation:
    return await Invitation.get(whom="tatu").select_related("user")


async def agree(_mwanga: Server) -> None:
    [row] = await promotions.list_open(1)
    await promotions.agree(row.id, await find("rehema"))


async def give_the_role(_mwanga: Server) -> None:
    await promotions.give_role(await find("zuberi"), OfficeRole.OWNER, by=await find("mariam"))


async def use_the_link(mwanga: Server) -> None:
    await invitations.accept(await the_link(), "", "a long password", vault=mwanga.company.vault)


async def use_it_unagreed(_mwanga: Server) -> None:
    await promotions.ask_again(await the_link())


async def make_a_link_anew(_mwanga: Server) -> None:
    await invitations.offer_password(await find("tatu"), by=await find("mariam"))


async def remove(_mwanga: Server) -> None:
    await promotions.give_role(await find("rehema"), OfficeRole.SUPPORT, by=await find("mariam"))


@pytest.mark.parametrize("does", [agree, give_the_role, use_the_link, use_it_unagreed, make_a_link_anew, remove])
async def test_who_waits_for_those_who_move_money_holds_nothing_that_they_may_want(
    does: Callable[[Server], Awaitable[None]], mwanga: Server, demo_url: str
) -> None:
    async with mwanga.database.work():
        await OfficeUser.all().update(role="support")
        people = {"tatu": "support", "mariam": "owner", "rehema": "finance", "zuberi": "support"}
        for name, role in people.items():  # tatu is older than all who move money
            await OfficeUser.create(name=name, password_hash="", role=role)
        await promotions.give_role(await find("zuberi"), OfficeRole.FINANCE, by=await find("mariam"))
        await invitations.offer_password(await find("tatu"), by=await find("mariam"))

    async def work() -> None:
        async with mwanga.database.work():
            await does(mwanga)

    other, watch = [await asyncpg.connect(demo_url.removesuffix("&maxsize=6")) for _each in range(2)]
    try:
        async with asyncio.timeout(60):
            async with other.transaction():
                await other.execute(HOLD)
                doing = asyncio.ensure_future(work())
                while not doing.done() and not await watch.fetchval(WAITS):
                    await asyncio.sleep(0)
                assert not doing.done(), "it waits"
                for statement in REACH:
                    await other.execute(statement)
            try:
                await doing
            except promotions.OtherRole:
                assert does is give_the_role
    finally:
        await other.close()
        await watch.close()
