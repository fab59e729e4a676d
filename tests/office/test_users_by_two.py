"""Who moves money becomes so, and gets a new way in, when two people agree, in a browser."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from tortoise.exceptions import IntegrityError, OperationalError

from bot.config import Config
from models.demo.world import OFFICE_USER
from models.people import OfficeRole, OfficeUser, promotions
from models.people.office_users import REST
from models.sql import HOUR_MS, now_ms
from tests.world.browser import PASSWORD, Office, open_office
from tests.world.users_page import USERS, links_of, number_of, send, set_up, sign_in_anew

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def office(config: Config) -> AsyncIterator[Office]:
    async with open_office(config) as office:
        yield office


async def together(office: Office, *people: tuple[OfficeRole, str]) -> None:
    """These are of the office too; the owner signs in."""
    for role, name in people:
        await office.become(role, name)
    await sign_in_anew(office)


async def be(office: Office, name: str) -> None:
    office.client.session.cookie_jar.clear()
    assert (await office.sign_in(name, PASSWORD)).status == 303


async def the_promotion(office: Office) -> str:
    [row] = await office.ask("SELECT id FROM office_promotion WHERE state = 'asked'")
    return f"/money/promotions/{row['id']}"


async def role_of(office: Office, name: str) -> str:
    [row] = await office.ask("SELECT role FROM officeuser WHERE name = $1 AND removed_at IS NULL", name)
    return str(row["role"])


async def test_who_is_alone_makes_the_second_one_alone(office: Office) -> None:
    await together(office, (OfficeRole.SUPPORT, "rehema"))
    _status, html = await send(office, f"{USERS}/invite", whom="Zuberi", role="owner")
    assert len(links_of(html)) == 1
    await send(office, f"{USERS}/{await number_of(office, 'rehema')}/role", role="finance")
    assert await role_of(office, "rehema") == "finance"


@pytest.mark.parametrize("role", [OfficeRole.OWNER, OfficeRole.FINANCE])
async def test_one_more_who_moves_money_takes_a_second_person(office: Office, role: OfficeRole) -> None:
    await together(office, (OfficeRole.FINANCE, "rehema"), (OfficeRole.SUPPORT, "tatu"))
    for _twice in range(2):
        status, html = await send(office, f"{USERS}/{await number_of(office, 'tatu')}/role", role=role.value)
        assert status == 303 and "has to agree" in html and await role_of(office, "tatu") == "support"
    status, html = await send(office, await the_promotion(office), "/money/voids", do="approve")
    assert status == 422 and f"{OFFICE_USER} asked for it" in html
    await be(office, "rehema")
    assert "waits for a second person" in await office.page("/") and "tatu gets another role" in await office.page(
        "/money/voids"
    )
    path = await the_promotion(office)
    status, html = await send(office, path, "/money/voids", do="approve")
    assert status == 303 and "The role is changed" in html and await role_of(office, "tatu") == role
    assert (await send(office, path, "/money/voids", do="approve"))[0] == 422
    [audit] = await office.ask("SELECT actor, detail FROM audit WHERE action = 'office role agreed'")
    assert tuple(audit.values()) == ("rehema", f"{role.value}, asked by {OFFICE_USER}")


async def test_a_link_for_a_new_owner_is_there_when_a_second_person_agrees(office: Office) -> None:
    await together(office, (OfficeRole.FINANCE, "rehema"))
    status, html = await send(office, f"{USERS}/invite", whom="Zuberi", role="owner")
    assert status == 303 and links_of(html) == [] and "has to agree" in html
    assert links_of((await send(office, f"{USERS}/invite", whom="Tatu", role="support"))[1]), "who moves no money"
    await be(office, "rehema")
    status, html = await send(office, await the_promotion(office), "/money/voids", do="approve")
    assert status == 303 and "The link is made" in html
    await sign_in_anew(office)
    link = links_of(await office.html(USERS))[0]
    office.client.session.cookie_jar.clear()
    fields = {"name": "zuberi", "password": "a long password", "again_password": "a long password"}
    assert (await send(office, link, link, **fields))[0] == 303 and await role_of(office, "zuberi") == "owner"


async def test_a_new_owner_is_refused_and_nothing_is_changed(office: Office) -> None:
    await together(office, (OfficeRole.OWNER, "rehema"), (OfficeRole.SUPPORT, "tatu"))
    await send(office, f"{USERS}/{await number_of(office, 'tatu')}/role", role="owner")
    await be(office, "rehema")
    status, html = await send(office, f"{USERS}/{await number_of(office, 'tatu')}/role", role="finance")
    assert status == 422 and f"{OFFICE_USER} asked for another role of tatu" in html
    status, html = await send(office, await the_promotion(office), "/money/voids", do="refuse")
    assert status == 303 and "It is not done" in html and await role_of(office, "tatu") == "support"


@pytest.mark.parametrize("what", ["the asker is no owner", "whom it is about is gone"])
async def test_what_is_asked_for_ends_with_who_asked_and_whom_it_is_about(office: Office, what: str) -> None:
    await together(office, (OfficeRole.OWNER, "rehema"), (OfficeRole.SUPPORT, "tatu"))
    await send(office, f"{USERS}/{await number_of(office, 'tatu')}/role", role="owner")
    await be(office, "rehema")
    if what == "the asker is no owner":
        await send(office, f"{USERS}/{await number_of(office, OFFICE_USER)}/role", role="support")
    else:
        await send(office, f"{USERS}/{await number_of(office, 'tatu')}/remove")
    status, html = await send(office, await the_promotion(office), "/money/voids", do="approve")
    assert status == 422 and "Nobody asks for it any more" in html
    assert (await send(office, await the_promotion(office), "/money/voids", do="refuse"))[0] == 303


async def test_the_database_has_nobody_agree_to_what_he_asked_for(office: Office) -> None:
    await together(office, (OfficeRole.FINANCE, "rehema"))
    await send(office, f"{USERS}/invite", whom="Zuberi", role="owner")
    with pytest.raises((IntegrityError, OperationalError), match="office_promotion_second_check"):
        await office.ask("UPDATE office_promotion SET state = 'done', second_id = by_id")


@pytest.mark.parametrize("out", ["role", "remove"])
async def test_who_takes_the_other_one_out_is_not_alone_by_that(office: Office, out: str) -> None:
    """Who lowered the second person, and made a friend the next one, would agree to his own."""
    await together(office, (OfficeRole.FINANCE, "rehema"), (OfficeRole.SUPPORT, "tatu"))
    tatu = await number_of(office, "tatu")
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        path = f"{USERS}/{await number_of(office, 'rehema')}/{out}"
        assert (await send(office, path, role="support"))[0] == 303, "a thief is out at once"
        status, html = await send(office, f"{USERS}/{tatu}/role", role="finance")
        assert status == 422 and "You decide alone from" in html and "mwanga admin role tatu finance" in html
        status, html = await send(office, f"{USERS}/invite", whom="Zuberi", role="owner")
        assert status == 422 and "mwanga admin add NAME --role owner" in html and links_of(html) == []
        assert await role_of(office, "tatu") == "support"
        assert await office.ask("SELECT 1 FROM office_promotion") == [], "nobody could agree"
        clock.shift(REST + timedelta(minutes=1))
        await sign_in_anew(office)
        assert (await send(office, f"{USERS}/{tatu}/role", role="finance"))[0] == 303, "nobody is locked out for ever"
    assert await role_of(office, "tatu") == "finance"


async def test_the_lowered_one_himself_is_raised_by_two_again(office: Office) -> None:
    await together(office, (OfficeRole.FINANCE, "rehema"), (OfficeRole.FINANCE, "tatu"))
    rehema = await number_of(office, "rehema")
    assert (await send(office, f"{USERS}/{rehema}/role", role="support"))[0] == 303
    [link] = links_of((await asked_about(office, "rehema", "password"))[1])
    assert link, "a way in for who moves no money"
    status, html = await send(office, f"{USERS}/{rehema}/role", role="finance")
    assert status == 303 and "has to agree" in html and await role_of(office, "rehema") == "support"
    await be(office, "tatu")
    assert (await send(office, await the_promotion(office), "/money/voids", do="approve"))[0] == 303
    assert await role_of(office, "rehema") == "finance"


async def test_an_owner_becomes_of_finance_at_once_and_two_are_there_still(office: Office) -> None:
    await together(office, (OfficeRole.OWNER, "rehema"))
    rehema = await number_of(office, "rehema")
    assert (await send(office, f"{USERS}/{rehema}/role", role="finance"))[0] == 303
    status, html = await send(office, f"{USERS}/{rehema}/role", role="owner")
    assert status == 303 and "has to agree" in html and await role_of(office, "rehema") == "finance"
    await be(office, "rehema")
    assert (await send(office, await the_promotion(office), "/money/voids", do="approve"))[0] == 303
    assert await role_of(office, "rehema") == "owner"


@pytest.mark.parametrize("way", ["the page", "the prompt"])
async def test_a_role_that_is_given_alone_is_asked_for_no_more(office: Office, way: str) -> None:
    """Two were there as it was asked for, and one of them is left."""
    await together(office, (OfficeRole.FINANCE, "rehema"), (OfficeRole.SUPPORT, "tatu"))
    tatu = await OfficeUser.get(name="tatu")
    give = f"{USERS}/{tatu.id}/role"
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        assert "has to agree" in (await send(office, give, role="finance"))[1]
        await send(office, f"{USERS}/{await number_of(office, 'rehema')}/role", role="support")
        if way == "the page":
            clock.shift(REST + timedelta(minutes=1))
            await sign_in_anew(office)
            assert (await send(office, give, role="finance"))[0] == 303
        else:
            async with office.mwanga.database.work():
                await promotions.give_role_at_prompt(tatu, OfficeRole.FINANCE, actor="command line")
    assert await role_of(office, "tatu") == "finance"
    assert await office.ask("SELECT 1 FROM office_promotion WHERE state = 'asked'") == []
    [audit] = await office.ask("SELECT detail FROM audit WHERE action = 'office role closed'")
    assert audit["detail"] == f"finance, asked by {OFFICE_USER}: it is so already"


async def asked_about(office: Office, who: str, way: str) -> tuple[int, str]:
    return await send(office, f"{USERS}/{await number_of(office, who)}/{way}")


async def test_a_password_link_for_who_moves_money_takes_a_second_person(office: Office) -> None:
    """Neither the owner who asks nor the one whom it is about: who sits at that screen might be anybody."""
    await together(office, (OfficeRole.FINANCE, "rehema"), (OfficeRole.FINANCE, "tatu"))
    for _twice in range(2):
        status, html = await asked_about(office, "rehema", "password")
        assert status == 303 and "has to agree" in html and links_of(html) == []
    assert (await send(office, await the_promotion(office), "/money/voids", do="approve"))[0] == 422
    await be(office, "rehema")
    assert "rehema gets a link to set a new password" in await office.page("/money/voids")
    assert "Agree: do it" not in await office.page("/money/voids")
    status, html = await send(office, await the_promotion(office), "/money/voids", do="approve")
    assert status == 422 and "how you sign in" in html
    await be(office, "tatu")
    status, html = await send(office, await the_promotion(office), "/money/voids", do="approve")
    assert status == 303 and "The link is made" in html
    await sign_in_anew(office)
    [link] = links_of(await office.html(USERS))
    office.client.session.cookie_jar.clear()
    fields = {"password": "a fresh password", "again_password": "a fresh password"}
    assert (await send(office, link, link, **fields))[0] == 303
    audit = await office.ask(
        "SELECT actor FROM audit WHERE action IN ('office password asked', 'office password agreed') ORDER BY id"
    )
    assert [row["actor"] for row in audit] == [OFFICE_USER, "tatu"]


async def test_taking_away_the_second_factor_of_who_moves_money_takes_a_second_person(office: Office) -> None:
    await office.become(OfficeRole.FINANCE, "rehema")
    with time_machine.travel(datetime.now(UTC), tick=False):
        await set_up(office, PASSWORD)
        await together(office, (OfficeRole.OWNER, "tatu"))
        status, html = await asked_about(office, "rehema", "second-factor")
        assert status == 303 and "has to agree" in html and "with a second factor" in html
        await be(office, "tatu")
        assert "The second factor of rehema is taken away" in await office.page("/money/voids")
        status, html = await send(office, await the_promotion(office), "/money/voids", do="approve")
        assert status == 303 and "is taken away" in html
    assert await office.ask("SELECT 1 FROM officeuser WHERE factor <> ''") == []


@pytest.mark.parametrize(("way", "command"), [("password", "password"), ("second-factor", "factor")])
async def test_where_nobody_could_agree_the_server_s_prompt_is_the_way(office: Office, way: str, command: str) -> None:
    await together(office, (OfficeRole.FINANCE, "rehema"))
    status, html = await asked_about(office, "rehema", way)
    assert status == 422 and f"mwanga admin {command} rehema" in html and links_of(html) == []
    assert await office.ask("SELECT 1 FROM office_promotion") == []


async def test_an_owner_s_own_link_takes_the_other_one(office: Office) -> None:
    """Made at a screen that was left open it would be anybody's."""
    await together(office, (OfficeRole.FINANCE, "rehema"))
    status, html = await asked_about(office, OFFICE_USER, "password")
    assert status == 303 and links_of(html) == []
    await be(office, "rehema")
    assert (await send(office, await the_promotion(office), "/money/voids", do="approve"))[0] == 303


@pytest.mark.parametrize("role", [OfficeRole.OWNER, OfficeRole.FINANCE])
async def test_a_link_from_when_one_was_alone_is_asked_about_when_it_is_used(office: Office, role: OfficeRole) -> None:
    await office.sign_in()
    [link] = links_of((await send(office, f"{USERS}/invite", whom="Zuberi", role=role.value))[1])
    await together(office, (OfficeRole.FINANCE, "rehema"))
    office.client.session.cookie_jar.clear()
    html = await office.html(link)
    assert "This link does not work yet" in html and 'name="password"' not in html, "it is said at once"
    assert await office.ask("SELECT 1 FROM office_promotion") == [], "looking at it asks nobody"
    fields = {"name": "zuberi", "password": "a long password", "again_password": "a long password"}
    status, html = await send(office, link, link)
    assert status == 403 and "It is asked for: a second person of the office has to agree" in html
    assert (await office.get(link)).status == 404 and await find_nobody(office, "zuberi")
    await be(office, "rehema")
    await send(office, await the_promotion(office), "/money/voids", do="approve")
    await sign_in_anew(office)
    [link] = links_of(await office.html(USERS))
    office.client.session.cookie_jar.clear()
    assert (await send(office, link, link, **fields))[0] == 303 and await role_of(office, "zuberi") == role


async def find_nobody(office: Office, name: str) -> bool:
    return not await office.ask("SELECT 1 FROM officeuser WHERE name = $1", name)


async def test_a_password_link_of_one_who_moves_money_since_is_asked_about_too(office: Office) -> None:
    await together(office, (OfficeRole.FINANCE, "tatu"), (OfficeRole.SUPPORT, "rehema"))
    [link] = links_of((await asked_about(office, "rehema", "password"))[1])
    await office.ask("UPDATE officeuser SET role = 'finance' WHERE name = 'rehema'")
    assert "This link does not work yet" in await office.html(link)
    fields = {"password": "a fresh password", "again_password": "a fresh password"}
    assert (await send(office, link, link, **fields))[0] == 403
    assert (await office.get(link)).status == 404
    assert "rehema gets a link" in await office.page("/money/voids")


async def test_an_old_link_that_nobody_could_agree_to_is_over(office: Office) -> None:
    await together(office, (OfficeRole.FINANCE, "rehema"))
    await office.ask(
        "INSERT INTO office_invitation (role, whom, by_id, created_at, expires_at, used_at, withdrawn_at, agreed)"
        " VALUES ('finance', 'Zuberi', $1, $2, $3, 0, 0, FALSE)",
        *(await number_of(office, OFFICE_USER), now_ms(), now_ms() + HOUR_MS),
    )
    [link] = links_of(await office.html(USERS))
    await send(office, f"{USERS}/{await number_of(office, 'rehema')}/remove")
    assert "This link does not work yet" in await office.html(link)
    status, html = await send(office, link, link)
    assert status == 403 and "This link works no more" in html
    assert await office.ask("SELECT 1 FROM office_promotion") == []


async def test_the_database_has_nobody_agree_to_a_way_in_of_his_own(office: Office) -> None:
    await together(office, (OfficeRole.FINANCE, "rehema"), (OfficeRole.FINANCE, "tatu"))
    await asked_about(office, "rehema", "password")
    with pytest.raises((IntegrityError, OperationalError), match="office_promotion_own_check"):
        await office.ask("UPDATE office_promotion SET state = 'done', second_id = user_id")
