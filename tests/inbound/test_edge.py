"""What a stranger sends before anybody knows who it is: it is answered in time, costs nothing, and breaks nothing."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from bot import probes
from bot.config import ConfigError, load
from bot.edge import SERVER_SETTINGS, client_of, neighbourhood, read_networks
from tests.emulators.android_calls import linked
from tests.world.server import Serving, serving

pytestmark = pytest.mark.everyday_on_sqlite
TOKEN = "a token of the monitor"


@pytest.fixture
async def at(demo_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serving]:
    monkeypatch.setitem(SERVER_SETTINGS, "lingering_time", 0.1)  # the rest of a body that nobody wants is waited for
    async with serving(demo_url) as running:
        yield running


async def raw(at: Serving, *lines: str, body: str = "") -> str:
    """All that is answered to these bytes, until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", at.mwanga.config.port)
    writer.write(("\r\n".join([*lines, "", ""]) + body).encode("latin-1"))
    try:
        return (await reader.read()).decode("latin-1")
    finally:
        writer.close()


def status(answer: str) -> int:
    return int(answer.split()[1])


# Bodies


@pytest.mark.parametrize(
    "request_line",
    [
        "POST /login",
        "POST /smsgate/mobile/v1/device",
        "POST /gateways/africastalking/demo/sms",
        "POST /gateways/africastalking/wrong/sms",
        "POST /smsgate/webhooks/phone-1",
        "POST /nowhere",
    ],
)
async def test_a_body_that_does_not_come_ends_the_connection(
    at: Serving, monkeypatch: pytest.MonkeyPatch, request_line: str
) -> None:
    monkeypatch.setattr("bot.edge.BODY_S", 0.05)
    async with asyncio.timeout(60):
        answer = await raw(at, f"{request_line} HTTP/1.1", "Host: x", "Content-Length: 100", body="half")
    assert status(answer) in (404, 408, 303)
    assert request_line.endswith(("wrong/sms", "nowhere")) or status(answer) == 408


async def test_a_body_that_comes_in_time_is_taken(at: Serving) -> None:
    await at.emulator.sms("+255700000001", "CASH")
    assert "You hold" in await at.emulator.read("+255700000001")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity", "x"])
@pytest.mark.parametrize("path", ["/login", "/gateways/africastalking/demo/sms"])
async def test_a_packed_body_is_refused_and_the_connection_closed(at: Serving, path: str, encoding: str) -> None:
    lines = (f"POST {path} HTTP/1.1", "Host: x", f"Content-Encoding: {encoding}", "Content-Length: 4")
    answer = await raw(at, *lines, body="\x1f\x8b\x00\x00")
    assert (status(answer), answer.count("HTTP/1.1")) == (415, 1)
    assert "Connection: close" in answer


# What cannot be read


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
@pytest.mark.parametrize(
    "lines",
    [
        ("GET /login HTTP/1.1", "Cookie: mwanga_session=\xff"),
        ("GET /login HTTP/1.1", "Cookie: mwanga_browser=\xff"),
        ("GET /nowhere HTTP/1.1", "Cookie: \xff\xfe"),
        ("OPTIONS * HTTP/1.1",),
        ("CONNECT somewhere.example:443 HTTP/1.1",),
        ("GET somewhere HTTP/1.1",),
    ],
)
async def test_what_no_browser_sends_is_a_bad_request(at: Serving, lines: tuple[str, ...], accept: str) -> None:
    assert status(await raw(at, *lines, "Host: x", f"Accept: {accept}", "Connection: close")) == 400


@pytest.mark.parametrize("target", ["http://x", "http://x/nowhere", "/", "//", "/%ff", "/gateways", "/smsgate/x"])
async def test_a_strange_path_is_no_fault_of_ours(at: Serving, target: str) -> None:
    answer = await raw(at, f"GET {target} HTTP/1.1", "Host: x", "Accept: text/html", "Connection: close")
    assert status(answer) < 500
    assert "aiohttp" not in answer, "it does not say which software answers"


async def test_who_does_not_sign_learns_of_no_phone(at: Serving) -> None:
    await linked(at)

    async def knock(phone: str, *header: str) -> str:
        lines = (f"POST /smsgate/webhooks/{phone} HTTP/1.1", "Host: x", *header, "Content-Length: 2")
        answer = await raw(at, *lines, "Connection: close", body="{}")
        return "\n".join(line for line in answer.splitlines() if not line.startswith("Date"))

    for header in ((), ("X-Signature: 00", "X-Timestamp: 1"), ("X-Signature: \xff",)):
        assert await knock("phone-1", *header) == await knock("phone-9", *header)
        assert status(await knock("phone-1", *header)) == 404


async def test_a_phone_with_a_long_version_is_no_fault_of_ours(at: Serving) -> None:
    phone = await linked(at)
    agent = f"me.capcom.smsgateway/1.{'9' * 30}.0"
    assert (await phone.call("GET", "/message", **{"User-Agent": agent}))[0] == 200


# Who watches


async def looked(at: Serving, path: str, **headers: str) -> int:
    async with at.client.get(
        path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    ) as answer:
        return answer.status


@pytest.mark.parametrize("path", ["/metrics", "/ready"])
async def test_without_a_token_only_this_machine_looks_and_never_through_a_proxy(at: Serving, path: str) -> None:
    assert await looked(at, path) == 200
    for name in ("X_Forwarded_For", "Forwarded", "X_Real_IP", "Via"):
        assert await looked(at, path, **{name: "127.0.0.1"}) == 401


@pytest.mark.parametrize("path", ["/metrics", "/ready"])
async def test_with_a_token_who_has_it_looks_from_anywhere(demo_url: str, path: str) -> None:
    async with serving(demo_url, metrics_token=TOKEN, trusted_proxies="127.0.0.1") as at:
        assert await looked(at, path) == 401
        assert await looked(at, path, Authorization="Bearer wrong") == 401
        assert await looked(at, f"{path}?token=%FF") == 401
        assert await looked(at, f"{path}?token={TOKEN}") == 200
        assert await looked(at, path, Authorization=f"Bearer {TOKEN}", X_Forwarded_For="203.0.113.7") == 200


async def test_who_comes_through_a_trusted_proxy_is_not_this_machine(demo_url: str) -> None:
    async with serving(demo_url, trusted_proxies="127.0.0.0/8") as at:
        assert await looked(at, "/metrics", X_Forwarded_For="127.0.0.1") == 401
        assert await looked(at, "/metrics") == 200, "asked by this machine itself"
        assert await looked(at, "/health", X_Forwarded_For="203.0.113.7") == 200


async def test_ready_writes_once_a_second_however_many_ask(at: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0

    async def writes(*_about: object) -> list[object]:
        nonlocal written
        written += 1
        return []

    seconds = 0.0  # they stand still while many ask, however long a slow machine takes
    monkeypatch.setattr(probes, "time", SimpleNamespace(monotonic=lambda: seconds))
    monkeypatch.setattr(probes, "execute", writes)
    assert await asyncio.gather(*(looked(at, "/ready") for _ in range(20))) == [200] * 20
    assert written == 1
    seconds += probes.READY_S + 0.1
    assert await looked(at, "/ready") == 200
    assert written == 2


async def test_health_answers_while_the_database_is_locked(at: Serving) -> None:
    async with at.mwanga.database.work():  # of the embedded database's one writer
        assert await looked(at, "/health") == 200


# Addresses

PROXIES = read_networks("127.0.0.1, 10.0.0.0/8, fd00::/8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.7", ["198.51.100.1"], "203.0.113.7"),  # no proxy of ours: it can say what it likes
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["6.6.6.6, 203.0.113.7"], "203.0.113.7"),  # what it brought along is made up
        ("127.0.0.1", ["6.6.6.6", "203.0.113.7"], "203.0.113.7"),
        ("127.0.0.1", ["203.0.113.7, 10.1.2.3"], "203.0.113.7"),
        ("127.0.0.1", ["10.1.2.3"], "10.1.2.3"),
        ("127.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("::ffff:127.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("127.0.0.1", ["unknown"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.7, "], "127.0.0.1"),
        ("fd00::1", ["203.0.113.7"], "203.0.113.7"),
        ("", ["203.0.113.7"], ""),
    ],
)
def test_the_client_is_the_last_one_that_is_no_proxy_of_ours(peer: str, forwarded: list[str], client: str) -> None:
    assert client_of(peer, forwarded, PROXIES) == client


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("", ""),
    ],
)
def test_an_ipv6_address_counts_with_its_neighbours(address: str, counted: str) -> None:
    assert neighbourhood(address) == counted


@pytest.mark.parametrize("proxies", ["nginx", "10.0.0.0/99", "10.0.0.1/8"])
def test_a_proxy_that_is_no_address_is_refused(proxies: str) -> None:
    with pytest.raises(ConfigError, match=r"MWANGA_TRUSTED_PROXIES: addresses like 127\.0\.0\.1,10\.0\.0\.0/8"):
        load(trusted_proxies=proxies)
