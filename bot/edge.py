"""What holds for every request, whoever it is for: it comes in time, it can be read, and it is known who sent it."""

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

BODY_S = 10.0  # for a body from its first byte to its last: else a socket is held for as long as a stranger likes
# Bodies are taken as they are; what is left of one that nobody wants is waited for no longer than this.
SERVER_SETTINGS = {"auto_decompress": False, "lingering_time": 3.0}
# By one of these a proxy says that it brings somebody else's request.
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
BITS = 64  # bits of an IPv6 address that a provider gives to one customer


class SlowBody(TimeoutError):
    """The rest of a body did not come."""


def read_networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks with commas between. Raises ValueError."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def client_of(peer: str, forwarded: Iterable[str], proxies: Iterable[Network]) -> str:
    """Who sent a request: who is connected with us, or where that is a proxy of ours, the last one in X-Forwarded-For
    that is not. What stands before may be made up."""
    client, trusted = _read_address(peer), tuple(proxies)
    hops = [hop for line in forwarded for hop in line.split(",")]
    while hops and _is_in(client, trusted):
        if (before := _read_address(hops.pop())) is None:
            break
        client = before
    return str(client) if client else peer


def _is_in(address: Address | None, networks: Iterable[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def neighbourhood(address: str) -> str:
    """What is counted as one address: an IPv6 one with its /64, out of which one customer may take any."""
    read = _read_address(address)
    if isinstance(read, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((read, BITS), strict=False))
    return str(read) if read else address


@lru_cache(maxsize=1024)
def _read_address(text: str) -> Address | None:
    """An address, also with brackets and a port as some proxies write it; None for anything else."""
    text = text.strip()
    for spelling in (text, text.removeprefix("[").partition("]")[0], text.rpartition(":")[0]):
        with suppress(ValueError):
            read = ipaddress.ip_address(spelling)
            return (read.ipv4_mapped or read) if isinstance(read, ipaddress.IPv6Address) else read
    return None


def may_look(request: web.Request, token: str) -> bool:
    """Whether somebody may see what is only for who watches the server: with the token, or while there is none from
    this machine itself, and never through a proxy, behind which everybody has its address."""
    if token:
        given = request.query.get("token") or request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(errors="replace"), token.encode())
    read = _read_address(request.remote or "")
    proxied = any(name in request.headers for name in FORWARDED)
    return read is not None and read.is_loopback and not proxied


def edge(proxies: str) -> Any:
    """The outermost middleware. `proxies` are those whose X-Forwarded-For is believed."""
    trusted = read_networks(proxies)

    @web.middleware
    async def handle(request: web.Request, handler: Handler) -> web.StreamResponse:
        _refuse_unreadable(request)
        peer = request.remote or ""
        client = client_of(peer, request.headers.getall("X-Forwarded-For", []), trusted)
        if client != peer:
            request = request.clone(remote=client)
        if not _is_awaited(request):
            return await handler(request)
        late = asyncio.get_running_loop().call_later(BODY_S, _give_up, request)
        try:
            return await handler(request)
        except SlowBody as error:
            raise _closing(web.HTTPRequestTimeout(text="the body did not come\n")) from error
        except web.RequestPayloadError as error:  # it broke off on its way
            raise _closing(web.HTTPBadRequest(text="the body cannot be read\n")) from error
        finally:
            late.cancel()

    return handle


def _refuse_unreadable(request: web.Request) -> None:
    """Raises an HTTPException for what no browser and no gateway sends."""
    if "Content-Encoding" in request.headers:
        raise _closing(web.HTTPUnsupportedMediaType(text="send the body as it is, without Content-Encoding\n"))
    if not request.path.startswith("/"):  # OPTIONS *, CONNECT
        raise _closing(web.HTTPBadRequest(text="this is no path\n"))
    try:
        "".join(request.headers.getall("Cookie", [])).encode()
    except UnicodeEncodeError as error:
        raise _closing(web.HTTPBadRequest(text="the cookie is no text\n")) from error


def _is_awaited(request: web.Request) -> bool:
    """Whether some of its body is still on its way; that of a callback mostly comes with its head."""
    return request.can_read_body and not request.content.is_eof()


def _give_up(request: web.Request) -> None:
    if _is_awaited(request):
        request.content.set_exception(SlowBody())


def _closing(error: web.HTTPException) -> web.HTTPException:
    """What was not read would be taken for the next request."""
    error.force_close()
    return error


async def hide_software(_request: web.Request, response: web.StreamResponse) -> None:
    """Nobody needs to know which versions answer."""
    response.headers.popall("Server", None)
