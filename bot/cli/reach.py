"""Whether the addresses of a configuration can work: the gateways' servers, and our own as the world reaches it."""

import asyncio
import ipaddress
import ssl
from urllib.parse import urlsplit

from bot.config import Config, is_loopback
from bot.edge import read_networks
from bot.routing.router import is_phones

ANSWERS_S = 5  # a server on the other side of the world that works takes less than one


def _servers(config: Config) -> dict[str, str]:
    """The addresses to which the gateways want messages, by the gateways' titles."""
    ours = {kind.title: settings.server for kind, settings in config.of_gateways.items() if settings.wanted}
    others = {f"Gateway {name}": description.server for name, description in config.described[0].items()}
    ours |= {kind.title: told.server for kind, told in config.of_providers.items() if told.wanted and told.server}
    others |= {one.title: one.ask.url for one in config.described_providers[0].values()}
    # In some the account's own name is part of the host: that cannot be looked at.
    return {title: url for title, url in (ours | others).items() if "{" not in urlsplit(url).netloc}


async def find_silent_gateways(config: Config) -> list[str]:
    """A sentence for each gateway that does not answer. Nothing is sent to any: a connection is opened and closed."""
    servers = _servers(config)
    found = await asyncio.gather(*map(_try, servers.values()))
    return [
        f"{title} does not answer at {_origin(url)}: {reason}."
        for (title, url), reason in zip(servers.items(), found, strict=True)
        if reason
    ]


async def _try(url: str) -> str:
    """Why nobody answers there; nothing when somebody does."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    try:
        async with asyncio.timeout(ANSWERS_S):
            _reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port or (443 if secure else 80), ssl=secure or None
            )
        writer.close()
    except TimeoutError:
        return f"no answer within {ANSWERS_S} s"
    except ssl.SSLCertVerificationError as error:
        return f"its certificate is not to be trusted ({error.verify_message})"
    except ConnectionRefusedError:
        return "nothing listens there"
    except (OSError, ValueError) as error:
        return (getattr(error, "strerror", None) or str(error)).rstrip(".")
    return ""


def find_bad_addresses(config: Config) -> list[str]:
    """A sentence for each address that cannot work, or by which anybody on the way can listen."""
    found = []
    if reason := _find_unreachable(config):
        found.append(f"{reason} Set MWANGA_PUBLIC_URL to the address by which they reach this server.")
    if config.public_url.startswith("https://") and not config.trusted_proxies:
        found.append(
            "MWANGA_TRUSTED_PROXIES is empty: behind the web server all callers have one address, and a stranger's"
            " wrong passwords count as everybody's. Set it to the web server's, like 127.0.0.1."
        )
    if any(network.prefixlen == 0 for network in read_networks(config.trusted_proxies)):
        found.append(
            "MWANGA_TRUSTED_PROXIES has all addresses in it: whoever guesses passwords has another one at each try. Set"
            " it to the web server's, like 127.0.0.1."
        )
    given = {
        "MWANGA_PUBLIC_URL": config.public_url,
        "MWANGA_ALERT_URL": config.alert_url,
        **{f"The address of {title}": url for title, url in _servers(config).items()},
    }
    found += [
        f"{name} begins with http://, so everybody on the way can read along: it is to be https://."
        for name, url in given.items()
        if url.startswith("http://") and not _is_near(urlsplit(url).hostname or "")
    ]
    return found


def _find_unreachable(config: Config) -> str:
    """Why callbacks do not come to our address, if they do not."""
    host = urlsplit(config.address).hostname or ""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - not to listen there, but to say that it is no address
        return f"{config.address} is no address that gateways and phones can call."
    callers = [title for title, url in _servers(config).items() if not is_loopback(urlsplit(url).hostname or "")]
    callers += ["a gateway phone"] if any(map(is_phones, config.route_names)) else []
    if is_loopback(host) and callers:
        return f"{config.address} is on this machine alone, and {callers[0]} has to call it."
    return ""


def _is_near(host: str) -> bool:
    """Whether a host is this machine or on its own network, where no TLS is usual."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
