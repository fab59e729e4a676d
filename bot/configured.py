"""What the configuration names, made at the start: the company, and its gateways with their doors and their pace."""

from collections.abc import Mapping

import aiohttp

from bot.company import Company
from bot.config import Config, ConfigError
from bot.gateways import Door, Gateway
from bot.gateways.described import Described
from bot.gateways.kannel import Kannel
from bot.gateways.simulator import Simulator
from bot.runtime.database import Database
from models import settings
from models.vault import Vault

SIMULATOR_SECRET = "demo"  # noqa: S105 - the simulator's door exists in the demo world only


def company_of(config: Config) -> Company:
    """What talks may know of the company."""
    return Company(
        config.company,
        config.country,
        config.currency,
        config.exponent,
        config.zone,
        config.language_codes,
        config.help_phone,
        config.accents,
        Vault(config.secret_key.get_secret_value()),
    )


async def check_key(database: Database, company: Company) -> None:
    """Raises ConfigError when the secret key is not the database's own."""
    async with database.work():
        if not await settings.is_ours(company.vault):
            raise ConfigError(
                "MWANGA_SECRET_KEY is another one than this database was begun with: no device key can be read with it"
                " and no PIN is right. Set the former key."
            )


def gateways(config: Config, session: aiohttp.ClientSession) -> dict[str, Gateway]:
    """All of them by name, in the usual order; the simulator last."""
    found: dict[str, Gateway] = {}
    if config.africastalking_username:
        from bot.gateways.africastalking import AfricasTalking  # noqa: PLC0415 - its SDK is slow to import

        found["africastalking"] = AfricasTalking(
            session,
            username=config.africastalking_username,
            api_key=config.africastalking_api_key.get_secret_value(),
            sender=config.africastalking_sender,
            url=config.africastalking_url,
            country=config.country,
        )
    if config.kannel_url:
        found["kannel"] = Kannel(
            session,
            url=config.kannel_url,
            username=config.kannel_username,
            password=config.kannel_password.get_secret_value(),
            sender=config.kannel_sender,
            secret=config.kannel_secret.get_secret_value(),
            address=config.address,
            country=config.country,
        )
    described, mistakes = config.described
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    for name, about in described.items():
        found[name] = Described(session, name, about, address=config.address, country=config.country)
    found["simulator"] = Simulator(config.country)
    return found


def sends(config: Config, name: str, simulated: bool) -> bool:
    """The demo sends by Africa's Talking only to an address that was given, so that it never bothers anybody."""
    return name != "africastalking" or not simulated or bool(config.africastalking_url)


def doors(config: Config, named: Mapping[str, Gateway], simulated: bool) -> dict[str, Door]:
    """Who may call us, with what secret."""
    secrets = {
        "africastalking": config.africastalking_secret.get_secret_value(),
        "kannel": config.kannel_secret.get_secret_value(),
    }
    if simulated:
        secrets["simulator"] = SIMULATOR_SECRET
    usual = {name: Door(named[name], secret) for name, secret in secrets.items() if name in named}
    return usual | {
        name: Door(named[name], about.secret.get_secret_value(), about.answer)
        for name, about in config.described[0].items()
    }


def paces(config: Config) -> dict[str, int]:
    """How many message parts each gateway gets in a second, 0 for any number."""
    return {
        "africastalking": config.africastalking_per_second,
        "kannel": config.kannel_per_second,
        **{name: about.per_second for name, about in config.described[0].items()},
    }
