"""Sessions of the office as rows: how long they last, what ends them, and links by which somebody becomes a user."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from tortoise.exceptions import IntegrityError

from bot.runtime import Database
from models.audit import Audit, record
from models.people import OfficeRole, OfficeUser, invitations, second_factor, sessions
from models.people.invitations import NoInvitation, accept, find_invitation, invite, offer_password, token_of
from models.people.office_users import (
    BadName,
    LastUser,
    ShortPassword,
    UserExists,
    change_password,
    change_role,
    create_user,
    remove_user,
)
from models.people.sessions import begin_session, find_session
from models.people.tables import Invitation, OfficeSession
from models.sql import execute, now_ms
from models.vault import Vault

VAULT = Vault("k" * 32)
WORDS = "long enough to keep"
START = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[OfficeUser]:
    async with database.work():
        yield await create_user("mariam", WORDS, OfficeRole.OWNER, vault=VAULT, actor="test")


@pytest.fixture
async def user(database: Database, owner: OfficeUser) -> OfficeUser:
    return await create_user("rehema", WORDS, OfficeRole.SUPPORT, vault=VAULT, actor="test")


async def begin(user: OfficeUser) -> str:
    return await begin_session(user, address="192.0.2.7", browser="Browser/1")


async def is_open(name: str) -> bool:
    known = await find_session(name)
    return known is not None and not known.over


async def test_a_session_is_found_by_its_name_alone_which_is_nowhere_kept(user: OfficeUser) -> None:
    name = await begin(user)
    known = await find_session(name)
    assert known and known.user.name == "rehema" and (known.session.role, known.over) == ("support", False)
    assert known.session.address == "192.0.2.7" and name not in known.session.hash
    for other in ("", "x", known.session.hash, name[:-1], "é", "\ud800"):
        assert await find_session(other) is None


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("looks_at", "open_at_end"),
    [([29, 58, 87], True), ([31], False), ([], False), ([*range(25, 12 * 60, 25), 12 * 60 + 1], False)],
)
async def test_it_ends_when_idle_and_after_twelve_hours(
    user: OfficeUser, looks_at: list[int], open_at_end: bool
) -> None:
    with time_machine.travel(START, tick=False) as clock:
        name = await begin(user)
        for minute in looks_at:
            clock.move_to(START + timedelta(minutes=minute))
            known = await find_session(name)
            assert known
            if not known.over:
                await sessions.see(known.session)
        clock.move_to(START + timedelta(minutes=(looks_at or [40])[-1] + 1))
        assert await is_open(name) is open_at_end


async def test_that_it_was_seen_is_written_once_a_minute(user: OfficeUser) -> None:
    with time_machine.travel(START, tick=False) as clock:
        name = await begin(user)
        seen = []
        for _ in range(5):
            clock.shift(timedelta(seconds=30))
            known = await find_session(name)
            assert known
            if sessions.is_due(known.session):
                await sessions.see(known.session)
            seen.append((await OfficeSession.get()).seen_at - int(START.timestamp() * 1000))
    assert seen == [0, 60_000, 60_000, 120_000, 120_000]


async def new_password(user: OfficeUser) -> None:
    await change_password(user, "another one to keep", vault=VAULT, actor="test")


async def new_role(user: OfficeUser) -> None:
    assert await change_role(user, OfficeRole.FINANCE, actor="test")


async def removal(user: OfficeUser) -> None:
    await remove_user(user, actor="test")


async def reset(user: OfficeUser) -> None:
    await second_factor.reset(user, actor="test")


@pytest.mark.parametrize("change", [new_password, new_role, removal, reset])
async def test_what_changes_a_user_ends_all_sessions_those_too_that_begin_now(
    user: OfficeUser, change: Callable[[OfficeUser], Awaitable[None]]
) -> None:
    as_read_before = await OfficeUser.get(id=user.id)
    names = [await begin(user), await begin(user)]
    await change(user)
    names.append(await begin(as_read_before))  # the password was compared a moment before
    assert [await is_open(name) for name in names] == [False, False, False]


async def test_sessions_are_listed_and_ended_by_their_own_user_alone(owner: OfficeUser, user: OfficeUser) -> None:
    here, there = await begin(user), await begin(user)
    listed = await sessions.list_sessions(user)
    assert len(listed) == 2 and await sessions.list_sessions(owner) == []
    known = await find_session(there)
    assert known and not await sessions.end_session(owner, known.session.id, actor="mariam")
    assert await is_open(there) and await sessions.end_session(user, known.session.id, actor="rehema")
    assert not await is_open(there) and await is_open(here)
    more = [await begin(user), await begin(user)]
    kept = await find_session(here)
    assert kept and await sessions.end_other_sessions(user, kept.session, actor="rehema") == 2
    assert [await is_open(name) for name in [here, *more]] == [True, False, False]


async def test_the_last_owner_stays(owner: OfficeUser, user: OfficeUser) -> None:
    with pytest.raises(LastUser):
        await remove_user(owner, actor="test")
    with pytest.raises(LastUser):
        await change_role(owner, OfficeRole.FINANCE, actor="test")
    assert not await change_role(owner, OfficeRole.OWNER, actor="test")
    await change_role(user, OfficeRole.OWNER, actor="test")
    await change_role(owner, OfficeRole.AUDITOR, actor="test")
    with pytest.raises(LastUser):
        await remove_user(user, actor="test")


async def test_two_owners_who_take_each_other_s_role_at_once_leave_one(database: Database, engine: str) -> None:
    async with database.work():
        made = [
            await create_user(name, WORDS, OfficeRole.OWNER, vault=VAULT, actor="test") for name in ("mariam", "rehema")
        ]

    async def take(user: OfficeUser) -> bool:
        try:
            async with database.work():
                await change_role(user, OfficeRole.SUPPORT, actor="test")
        except LastUser:
            return False
        return True

    one_writer = engine == "sqlite"
    done = [await take(user) for user in made] if one_writer else list(await asyncio.gather(*map(take, made)))
    assert sorted(done) == [False, True]
    assert await OfficeUser.filter(role="owner").count() == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE officeuser SET role = 'king'",
        "INSERT INTO officeuser (name, password_hash, role) VALUES ('x', '', '')",
        "UPDATE office_invitation SET used_at = 5, withdrawn_at = 5",
        "UPDATE office_invitation SET expires_at = 0",
        "DELETE FROM officeuser",
    ],
)
async def test_the_database_refuses_what_means_nothing(database: Database, statement: str) -> None:
    async with database.work():
        owner = await create_user("mariam", WORDS, OfficeRole.OWNER, vault=VAULT, actor="test")
        await invite(OfficeRole.SUPPORT, "Rehema", by=owner)
    with pytest.raises(IntegrityError):
        await execute(database.client, statement)


async def test_a_row_that_says_no_role_only_reads(database: Database) -> None:
    await execute(database.client, "INSERT INTO officeuser (name, password_hash) VALUES ('x', '')")
    assert (await OfficeUser.get(name="x")).role == OfficeRole.AUDITOR


# Invitations


async def test_an_invitation_makes_one_user_of_its_role(owner: OfficeUser) -> None:
    token = token_of(await invite(OfficeRole.FINANCE, "Hassan of Lindi", by=owner), VAULT)
    found = await find_invitation(token, VAULT)
    made = await accept(found, " Hassan  Ali ", WORDS, vault=VAULT)
    assert (made.name, made.role) == ("Hassan Ali", "finance") and VAULT.check_password(WORDS, made.password_hash)
    with pytest.raises(NoInvitation):
        await find_invitation(token, VAULT)
    with pytest.raises(NoInvitation):
        await accept(found, "Somebody", WORDS, vault=VAULT)
    assert await Audit.all().order_by("id").values_list("actor", "action", "subject", "detail") == [
        ("test", "office user", "mariam", "owner"),
        ("mariam", "office invitation", "Hassan of Lindi", "finance"),
        ("Hassan Ali", "office user", "Hassan Ali", "finance"),
    ]


@pytest.mark.parametrize(
    ("name", "password", "error"),
    [
        ("mariam", WORDS, UserExists),
        ("", WORDS, BadName),
        ("office", WORDS, BadName),
        ("a\nb\x1b", WORDS, BadName),
        ("x" * 101, WORDS, BadName),
        ("Hassan", "short", ShortPassword),
    ],
)
@pytest.mark.everyday_on_sqlite
async def test_what_is_refused_leaves_the_invitation_open(
    database: Database, name: str, password: str, error: type[Exception]
) -> None:
    async with database.work():
        owner = await create_user("mariam", WORDS, OfficeRole.OWNER, vault=VAULT, actor="test")
        token = token_of(await invite(OfficeRole.SUPPORT, "Hassan", by=owner), VAULT)
    with pytest.raises(error):
        async with database.work():
            await accept(await find_invitation(token, VAULT), name, password, vault=VAULT)
    async with database.work():
        assert await accept(await find_invitation(token, VAULT), "Hassan", WORDS, vault=VAULT)


async def test_a_link_from_before_a_restore_is_not_that_of_another_with_its_number(owner: OfficeUser) -> None:
    """Whoever was to help callers would choose the password of the next owner."""
    former = await invite(OfficeRole.SUPPORT, "Hassan", by=owner)
    token = token_of(former, VAULT)
    await former.delete()
    now = {"created_at": former.created_at + 1, "expires_at": former.expires_at}
    await Invitation.create(id=former.id, role="owner", whom="Grace", by_id=owner.id, **now)
    with pytest.raises(NoInvitation):
        await find_invitation(token, VAULT)


async def test_a_link_is_good_for_three_days_and_until_it_is_withdrawn(owner: OfficeUser) -> None:
    with time_machine.travel(START, tick=False) as clock:
        first, second = [await invite(OfficeRole.SUPPORT, "Hassan", by=owner) for _ in range(2)]
        assert await invitations.withdraw(first.id, by=owner) and not await invitations.withdraw(first.id, by=owner)
        with pytest.raises(NoInvitation):
            await find_invitation(token_of(first, VAULT), VAULT)
        clock.shift(timedelta(days=3, seconds=-1))
        found = await find_invitation(token_of(second, VAULT), VAULT)
        clock.shift(timedelta(seconds=2))
        with pytest.raises(NoInvitation):
            await find_invitation(token_of(second, VAULT), VAULT)
        with pytest.raises(NoInvitation):
            await accept(found, "Hassan", WORDS, vault=VAULT)


async def test_a_link_cannot_be_made_up(owner: OfficeUser) -> None:
    made = await invite(OfficeRole.OWNER, "Hassan", by=owner)
    token = token_of(made, VAULT)
    for other in ("", "1", f"{made.id}-", f"{made.id}-{'0' * 40}", token[:-1], f"٣-{token[2:]}", "9" * 30, f"é{token}"):
        with pytest.raises(NoInvitation):
            await find_invitation(other, VAULT)
    with pytest.raises(NoInvitation):
        await find_invitation(token, Vault("o" * 32))


async def test_who_may_invite_nobody_any_more_has_no_open_link(owner: OfficeUser, user: OfficeUser) -> None:
    await change_role(user, OfficeRole.OWNER, actor="test")
    found = await find_invitation(token_of(await invite(OfficeRole.SUPPORT, "a friend", by=user), VAULT), VAULT)
    await change_role(user, OfficeRole.SUPPORT, actor="mariam")
    with pytest.raises(NoInvitation):
        await accept(found, "friend", WORDS, vault=VAULT)
    assert await invitations.list_open() == []


async def test_a_forgotten_password_is_set_anew_by_a_link(owner: OfficeUser, user: OfficeUser) -> None:
    name = await begin(user)
    former = token_of(await offer_password(user, by=owner), VAULT)
    token = token_of(await offer_password(user, by=owner), VAULT)
    with pytest.raises(NoInvitation):
        await find_invitation(former, VAULT)
    assert await is_open(name), "until it is used the former password holds"
    changed = await accept(await find_invitation(token, VAULT), "", "another one to keep", vault=VAULT)
    assert (changed.id, changed.role) == (user.id, "support") and not await is_open(name)
    assert VAULT.check_password("another one to keep", (await OfficeUser.get(id=user.id)).password_hash)
    again = await find_invitation(token_of(await offer_password(user, by=owner), VAULT), VAULT)
    await remove_user(user, actor="mariam")
    with pytest.raises(NoInvitation):
        await accept(again, "", WORDS, vault=VAULT)


async def test_one_link_twice_at_once_makes_one_user(database: Database, engine: str) -> None:
    async with database.work():
        owner = await create_user("mariam", WORDS, OfficeRole.OWNER, vault=VAULT, actor="test")
        found = await invite(OfficeRole.SUPPORT, "Hassan", by=owner)

    async def become(name: str) -> bool:
        try:
            async with database.work():
                await accept(found, name, WORDS, vault=VAULT)
        except NoInvitation:
            return False
        return True

    if engine == "sqlite":  # one writer
        done = [await become("Hassan"), await become("Hamisi")]
    else:
        done = await asyncio.gather(become("Hassan"), become("Hamisi"))
    assert sorted(done) == [False, True] and await OfficeUser.all().count() == 2


async def test_old_rows_of_sessions_are_forgotten(database: Database, user: OfficeUser) -> None:
    before = now_ms()
    await begin(user)
    assert await execute(database.client, sessions.PURGE, [before, 10]) == []
    assert len(await execute(database.client, sessions.PURGE, [now_ms() + 1, 10])) == 1


async def test_links_for_a_password_end_with_another_password(owner: OfficeUser, user: OfficeUser) -> None:
    link = token_of(await offer_password(user, by=owner), VAULT)
    other = token_of(await offer_password(owner, by=owner), VAULT)
    await change_password(user, f"{WORDS} more", vault=VAULT, actor="command line")
    with pytest.raises(NoInvitation):
        await find_invitation(link, VAULT)
    assert await find_invitation(other, VAULT)


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("name", "refusal"), [("gone", UserExists), ("GONE", UserExists), ("Pendo", UserExists), ("+255710000001", BadName)]
)
async def test_who_is_invited_takes_no_name_that_the_log_has_for_another(
    database: Database, owner: OfficeUser, name: str, refusal: type[Exception]
) -> None:
    await remove_user(await create_user("gone", WORDS, OfficeRole.SUPPORT, vault=VAULT, actor="test"), actor="test")
    await record("Pendo", "sign in", "Pendo")
    with pytest.raises(refusal):
        async with database.work():
            await accept(await invite(OfficeRole.SUPPORT, "A", by=owner), name, WORDS, vault=VAULT)
    assert not await OfficeUser.exists(name=name, removed_at=None)
