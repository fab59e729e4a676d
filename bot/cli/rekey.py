"""`mwanga rekey`: puts the database under another secret key."""

import contextlib
import json
import os
import re
import secrets
from contextlib import AbstractContextManager
from pathlib import Path

import typer

from bot.android.linking import reseal_signing_keys
from bot.cli.prompt import ACTOR, fail, load_config, perform
from bot.config import Config
from bot.configured import WRONG_KEY, company_of
from bot.inbound.inbox import reseal_texts
from bot.payments.wire import forget_tokens
from bot.runtime import Database
from bot.runtime.addresses import is_embedded
from bot.runtime.database import OneServer
from bot.setting_files import ConfigError
from models.devices.keys import reseal_keys
from models.devices.meters import reseal_vending_key
from models.messages import Phone
from models.money.notices import reseal_notices
from models.money.receipt_texts import reseal_receipts
from models.people import Agent
from models.people.office_users import list_users
from models.people.second_factor import reseal_factors
from models.settings import change_key, fits_key, rekeyed_at
from models.tokens.journal import sync_folder
from models.vault import Sealed, Vault

# A line of the file that gives the key itself.
LINE = re.compile(r"""^secret_key[ \t]*=[ \t]*(?:"[^"\n]*"|'[^'\n]*')""", re.MULTILINE)
# One that gives no former key. A file may have no second line of this name.
EMPTIED = re.compile(r"""^former_secret_key[ \t]*=[ \t]*(?:""|'')[^\n]*\n?""", re.MULTILINE)
SET_BOTH = (
    "Set MWANGA_FORMER_SECRET_KEY to the secret key of today, and MWANGA_SECRET_KEY to a new one of 32 characters or"
    " more; then run `mwanga rekey` again. A good one: {proposal}"
)


def rekey() -> None:
    """Change the secret key, with all servers stopped: a new one into mwanga.toml, and all that is sealed under it."""
    config = load_config()
    if not config.former_secret_key.get_secret_value():
        _write_new_key(config)
        config = load_config()
    perform(_rekey(config))


def _write_new_key(config: Config) -> None:
    """The former key is in the file before anything is under the new one: a fall at any moment loses neither."""
    old = config.secret_key.get_secret_value()
    text = config.file.read_text(encoding="utf-8-sig") if config.file else ""
    if not config.file or not old or _key_in(text) != old:  # it is in the environment, or in a file of its own
        fail(SET_BOTH.format(proposal=secrets.token_urlsafe(32)))
    perform(_check_database(config))
    lines = f"secret_key = {json.dumps(secrets.token_urlsafe(32))}\nformer_secret_key = {json.dumps(old)}"
    _replace(config.file, LINE.sub(lambda _line: lines, EMPTIED.sub("", text), count=1))
    typer.echo(f"{config.file} has a new secret_key, and the one before as former_secret_key. Keep a copy of both.")


async def _check_database(config: Config) -> None:
    """Raises what would stop it, while the file is as it was: with a new key in it no server starts before the database
    is under that."""
    with _alone(config):
        async with Database(config.database, read_only=True) as database:
            await database.check(older=True)
            if not await fits_key(company_of(config).vault):
                raise ConfigError(WRONG_KEY)


def _alone(config: Config) -> AbstractContextManager[object]:
    """No server is at work meanwhile, as far as can be told. Raises DatabaseError."""
    return OneServer(config.database) if is_embedded(config.database) else contextlib.nullcontext()


def _key_in(text: str) -> str:
    found = LINE.search(text)
    return found[0].partition("=")[2].strip()[1:-1] if found else ""


def _replace(file: Path, text: str) -> None:
    """Change a file as a whole, or not at all; after a power cut, too, it is the new one."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
        sync_folder(file.absolute().parent)
    except OSError as error:
        fail(f"{file} is not written: {error.strerror}.")


async def _rekey(config: Config) -> None:
    vault = company_of(_checked(config)).vault
    with _alone(config):
        async with Database(config.database) as database:
            await database.migrate()
            async with database.work():
                await _put_under(vault)
                left = await _list_left(vault)
    typer.echo("All that is sealed is under the new key.")
    for sentence in left:
        typer.echo(sentence)
    if left:
        typer.echo("Keep former_secret_key until `mwanga rekey` names nothing any more.")
        typer.echo("Whoever saw it together with the database can know all PINs: then give new PINs and passwords now.")
    else:
        typer.echo("Nothing needs former_secret_key any more: remove it.")


def _checked(config: Config) -> Config:
    new, former = config.secret_key.get_secret_value(), config.former_secret_key.get_secret_value()
    if new == former or len(new) < 32:
        raise ConfigError("MWANGA_SECRET_KEY is to be another key than the former one, of 32 characters or more.")
    return config


async def _put_under(vault: Vault) -> None:
    """Everything that can be made anew without anybody. Raises ConfigError when neither key is the database's own."""
    former = vault.former
    rekeyed = await fits_key(vault)
    if not rekeyed and not (former and await fits_key(former)):
        raise ConfigError(WRONG_KEY)
    try:
        counts = [await reseal_keys(vault), await reseal_vending_key(vault)]
        counts += [await reseal_signing_keys(vault), await reseal_texts(vault)]
        counts += [await reseal_receipts(vault), await reseal_notices(vault), await forget_tokens()]
        counts += [await reseal_factors(vault)]
    except Sealed as error:
        raise ConfigError(f"What is sealed for {error} opens with neither key: nothing was changed.") from error
    if not rekeyed or any(counts):
        await change_key(vault, actor=ACTOR)


async def _list_left(vault: Vault) -> list[str]:
    """What only its owner can put under the new key, a sentence each."""
    agents = [agent.name for agent in await Agent.filter(retired_at=None) if not vault.has_made(agent.pin_hash)]
    users = [user.name for user in await list_users() if not vault.has_made(user.password_hash)]
    at = await rekeyed_at()
    phones = [phone.name for phone in await Phone.filter(unlinked_at=0, linked_at__gt=0, linked_at__lt=at)]
    found = []
    if agents:
        found.append(f"PINs of {len(agents)} agents are under the former key, until each sells again: {_some(agents)}.")
    if users:
        found.append(f"So are passwords, until they are set anew: {_some(users)}.")
    if phones:
        found.append(f"So are gateway phones, until they are linked again (`mwanga phone add NAME`): {_some(phones)}.")
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
