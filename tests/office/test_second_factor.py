"""Codes by the clock against the RFC's own, each good once; recovery codes; a secret that another key takes over."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.runtime import Database
from models.people import OfficeRole, OfficeUser, second_factor
from models.people.office_users import create_user
from models.people.second_factor import STEP_S, WrongCode, address_of, check_code, code_at, new_secret, set_up
from models.people.sessions import begin_session, find_session
from models.sql import now_ms
from models.vault import Vault

VAULT = Vault("k" * 32)
RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
# RFC 6238, appendix B: the last six digits of its eight.
RFC = [
    (59, "287082"),
    (1_111_111_109, "081804"),
    (1_111_111_111, "050471"),
    (1_234_567_890, "005924"),
    (2_000_000_000, "279037"),
    (20_000_000_000, "353130"),
]


@pytest.mark.parametrize(("second", "code"), RFC)
def test_a_code_is_the_one_of_the_rfc(second: int, code: str) -> None:
    assert code_at(RFC_SECRET, second // STEP_S) == code


def test_a_secret_is_160_random_bits_and_an_app_can_read_it() -> None:
    first, second = new_secret(), new_secret()
    assert first != second and len(base64.b32decode(first)) == 20
    told = address_of("ABC", "rehema & co", "Mwanga Demo")
    assert told == (
        "otpauth://totp/Mwanga%20Demo%3Arehema%20%26%20co?secret=ABC&issuer=Mwanga%20Demo&digits=6&period=30"
    )


@pytest.fixture
async def user(database: Database) -> AsyncIterator[OfficeUser]:
    with time_machine.travel(datetime(2026, 11, 28, 9, 0, 10, tzinfo=UTC), tick=False) as clock:
        async with database.work():
            made = await create_user("rehema", "long enough", OfficeRole.OWNER, vault=VAULT, actor="test")
        made.clock = clock  # type: ignore[attr-defined]
        yield made


def code_of(secret: str, steps: int = 0) -> str:
    return code_at(secret, now_ms() // 1000 // STEP_S + steps)


async def begin(database: Database, user: OfficeUser) -> tuple[str, list[str]]:
    """Set up a second factor, and let its first code pass. Its codes around this moment are all different."""
    secret = RFC_SECRET
    async with database.work():
        codes = await set_up(user, secret, code_of(secret), vault=VAULT, actor="test")
    user.clock.shift(timedelta(minutes=5))  # type: ignore[attr-defined]
    await user.refresh_from_db()
    return secret, codes


async def passes(database: Database, user: OfficeUser, code: str) -> bool:
    try:
        async with database.work():
            await check_code(user, code, vault=VAULT)
    except WrongCode:
        return False
    return True


async def test_a_code_counts_once_and_those_beside_it_are_taken(database: Database, user: OfficeUser) -> None:
    secret, _codes = await begin(database, user)
    assert not await passes(database, user, code_of(secret, -2))
    assert not await passes(database, user, code_of(secret, 2))
    assert await passes(database, user, code_of(secret, -1))
    now = code_of(secret)
    assert await passes(database, user, f"{now[:3]} {now[3:]}")
    assert not await passes(database, user, now)
    assert not await passes(database, user, code_of(secret, -1))
    assert await passes(database, user, code_of(secret, 1))
    assert not await passes(database, user, "") and not await passes(database, user, "٠٠٠٠٠٠")


async def test_the_code_that_set_it_up_opens_nothing_after(database: Database, user: OfficeUser) -> None:
    secret = RFC_SECRET
    async with database.work():
        with pytest.raises(WrongCode):
            await set_up(user, secret, "000000", vault=VAULT, actor="test")
        await set_up(user, secret, code_of(secret), vault=VAULT, actor="test")
    await user.refresh_from_db()
    assert secret not in user.factor
    assert not await passes(database, user, code_of(secret))


async def test_one_code_twice_at_once_counts_once(database: Database, engine: str, user: OfficeUser) -> None:
    secret, codes = await begin(database, user)
    for code in (code_of(secret), codes[0]):
        if engine == "sqlite":  # one writer
            both = [await passes(database, user, code) for _ in range(2)]
        else:
            both = await asyncio.gather(*(passes(database, user, code) for _ in range(2)))
        assert sorted(both) == [False, True]


async def test_a_recovery_code_counts_once_in_any_spelling(database: Database, user: OfficeUser) -> None:
    _secret, codes = await begin(database, user)
    assert len(set(codes)) == 10 and all(len(code) == 19 for code in codes)
    assert await passes(database, user, codes[0].lower().replace("-", " "))
    assert not await passes(database, user, codes[0])
    assert await second_factor.count_codes(user) == 9
    async with database.work():
        fresh = await second_factor.renew_codes(user, actor="rehema")
    assert not await passes(database, user, codes[1]) and await passes(database, user, fresh[1])


async def test_taking_it_away_ends_sessions_and_codes(database: Database, user: OfficeUser) -> None:
    secret, codes = await begin(database, user)
    async with database.work():
        name = await begin_session(user, address="127.0.0.1", browser="a browser")
        await second_factor.reset(user, actor="mariam")
    await user.refresh_from_db()
    assert await find_session(name) is None
    assert not await passes(database, user, code_of(secret)) and not await passes(database, user, codes[0])


async def test_another_key_takes_the_secret_over(database: Database, user: OfficeUser) -> None:
    secret, codes = await begin(database, user)
    new = Vault("n" * 32, "k" * 32)
    async with database.work():
        assert await second_factor.reseal_factors(new) == 1
        assert await second_factor.reseal_factors(new) == 0
    await user.refresh_from_db()
    async with database.work():
        await check_code(user, code_of(secret), vault=Vault("n" * 32))
        await check_code(user, codes[0], vault=Vault("n" * 32))
