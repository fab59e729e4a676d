"""Addresses of databases: which there are, what may stand in one, and how it is shown."""

import re
import urllib.parse
from pathlib import Path
from typing import Any

from bot.text.close import did_you_mean

POSTGRES = ("postgres", "postgresql")
# What asyncpg takes from an address (its _parse_connect_dsn_and_args), and how many connections a server may have.
# asyncpg would make a setting of the session of any other key: a misspelt `sslmode` would be no TLS.
SSL = ("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation")
VERSIONS = ("ssl_min_protocol_version", "ssl_max_protocol_version")
OTHERS = ("passfile", "service", "target_session_attrs", "krbsrvname", "gsslib", "application_name")
WHO = ("user", "password", "dbname", "database")
KEYS = ("host", "port", "maxsize", *WHO, *SSL, *VERSIONS, *OTHERS)
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def check_address(url: str) -> None:
    """Raises ValueError with what is wrong with the address of a database; a password is not in it."""
    scheme, mark, rest = url.partition("://")
    if not mark or scheme not in ("sqlite", *POSTGRES) or not rest:  # without a file all is gone with the server
        raise ValueError("an address is sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME")
    if scheme == "sqlite":
        if "?" in rest:
            raise ValueError("nothing may follow the name of a SQLite file, and ? does")
        return
    try:
        query = _query(url)
        _port = urllib.parse.urlsplit(url).port
    except ValueError:
        raise ValueError(
            "the address cannot be read: write letters of a password that mean something there by their codes, like"
            " %40 for @"
        ) from None
    for key in query:
        if key not in KEYS:
            raise ValueError(f"{key} is nothing that an address of PostgreSQL may have{did_you_mean(key, KEYS)}")
    if (mode := query.get("sslmode", "prefer")) not in SSL_MODES:
        raise ValueError(f"sslmode is one of {', '.join(SSL_MODES)}, not {mode!r}")
    if not query.get("maxsize", "1").isdecimal() or not int(query.get("maxsize", "1")):
        raise ValueError("maxsize is a number of connections, 1 or more")


def is_embedded(url: str) -> bool:
    """Whether the database is a file of SQLite beside us."""
    return url.startswith("sqlite:")


def sqlite_file(url: str) -> Path:
    """Where an embedded database is."""
    return Path(url.partition("://")[2])


def connect_arguments(url: str) -> dict[str, Any]:
    """An address of PostgreSQL as asyncpg's arguments: all but the password stays in an address, which asyncpg reads as
    the tools of PostgreSQL do. The user `postgres` and the database `mwanga` are the usual ones."""
    parts, query = urllib.parse.urlsplit(url), _query(url)
    kept = {key: value for key, value in query.items() if key not in ("maxsize", *WHO)}
    _user, _at, hosts = parts.netloc.rpartition("@")
    return {
        "dsn": urllib.parse.urlunsplit(("postgresql", hosts, "", urllib.parse.urlencode(kept), "")),
        "user": query.get("user") or urllib.parse.unquote(parts.username or "") or "postgres",
        # None has asyncpg look into `passfile`, where "" would be the password
        "password": query.get("password") or urllib.parse.unquote(parts.password or "") or None,
        "database": query.get("dbname")
        or query.get("database")
        or urllib.parse.unquote(parts.path.lstrip("/"))
        or "mwanga",
    }


def most_connections(url: str) -> int:
    """How many connections a server may have to PostgreSQL."""
    return int(_query(url).get("maxsize", "8"))


def shown(url: str) -> str:
    """The address of a database without its passwords."""
    password = urllib.parse.urlsplit(url).password
    url = url.replace(f":{password}@", ":***@") if password else url
    return re.sub(r"([?&](?:ssl)?password=)[^&]*", r"\1***", url)


def _query(url: str) -> dict[str, str]:
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, keep_blank_values=True))
