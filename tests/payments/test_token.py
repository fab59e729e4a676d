"""A new token of Daraja voids the former: all servers share one, and replace it once."""

import asyncio

import pytest

from bot.gateways.errors import SendError
from bot.payments.wire import SharedToken, forget_tokens
from bot.runtime import Database
from models.settings import Setting
from models.vault import Vault
from tests.world.pushes import PushClock

VAULT = Vault("k" * 32)


class Issuer:
    """Gives tokens, of which the newest alone serves."""

    def __init__(self, seconds: int = 3_600) -> None:
        self.given, self.seconds = 0, seconds

    async def fetch(self) -> tuple[str, int]:
        self.given += 1
        return f"token-{self.given}", self.seconds

    def server(self, database: Database | None = None) -> SharedToken:
        token = SharedToken("daraja", self.fetch, VAULT)
        token.database = database
        return token


async def test_one_server_asks_for_one_token_however_many_want_it() -> None:
    issuer = Issuer()
    server = issuer.server()
    assert set(await asyncio.gather(*(server.get() for _ in range(20)))) == {"token-1"}
    assert set(await asyncio.gather(*(server.get(instead_of="token-1") for _ in range(20)))) == {"token-2"}


async def test_a_token_is_not_used_in_its_last_minute(push_clock: PushClock) -> None:
    issuer = Issuer(seconds=180)
    server = issuer.server()
    assert await server.get() == "token-1"
    push_clock.forward(119)
    assert await server.get() == "token-1"
    push_clock.forward(1)
    assert await server.get() == "token-2"


async def test_servers_share_it_by_the_database_and_it_lies_there_sealed(database: Database) -> None:
    if database.embedded:
        pytest.skip("an embedded database has one server")
    issuer = Issuer()
    one, other = issuer.server(database), issuer.server(database)
    assert await asyncio.gather(one.get(), other.get()) == ["token-1"] * 2
    assert await asyncio.gather(one.get("token-1"), other.get("token-1")) == ["token-2"] * 2
    [kept] = await Setting.filter(name="token daraja")
    assert "token-2" not in kept.value
    async with database.work():
        assert await forget_tokens() == 1


async def test_what_goes_wrong_leaves_no_token(database: Database) -> None:
    async def fails() -> tuple[str, int]:
        raise RuntimeError

    token = SharedToken("daraja", fails, VAULT)
    token.database = None if database.embedded else database
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await token.get()


async def test_who_waited_while_none_could_be_got_takes_that_for_an_answer(database: Database) -> None:
    """Where each waited for its own turn, the last of them would have had the phone's request for minutes."""
    tried = 0

    async def fails() -> tuple[str, int]:
        nonlocal tried
        tried += 1
        await asyncio.sleep(0)
        raise SendError("unreachable", "token: timeout")

    token = SharedToken("daraja", fails, VAULT)
    token.database = None if database.embedded else database
    for round_ in (1, 2):
        said = await asyncio.gather(*(token.get() for _ in range(20)), return_exceptions=True)
        assert {type(each) for each in said} == {SendError} and tried == round_
