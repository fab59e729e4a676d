"""What the configuration names, made at the start: the company and its gateways."""

from datetime import time
from pathlib import Path

import aiohttp

from bot.company import Company, Figures, Live, MobileMoney
from bot.config import Config
from bot.gateways import Gateway
from bot.gateways.described import Described
from bot.gateways.simulator import Simulator
from bot.payments import Provider
from bot.payments.daraja import Daraja
from bot.payments.described import DescribedProvider
from bot.payments.simulated import SimulatedDaraja
from bot.runtime import Database
from bot.runtime.addresses import is_embedded, sqlite_file
from bot.setting_files import ConfigError
from models import settings
from models.vault import Vault

SIMULATOR_SECRET = "demo"  # noqa: S105 - the simulator's door exists in the demo world only


def journal_places(config: Config) -> list[Path]:
    """Where the token journal is kept: beside an embedded database, and in the folder that the operator names."""
    beside = [Path(f"{sqlite_file(config.database)}-tokens")] if is_embedded(config.database) else []
    return beside + ([config.journal_folder / "mwanga-tokens"] if config.journal_folder else [])


def company_of(config: Config) -> Company:
    """What talks may know of the company."""
    return Company(
        live=Live(figures_of(config)),
        country=config.country,
        currency=config.currency,
        exponent=config.exponent,
        thousands=config.thousands_mark,
        zone=config.zone,
        ussd_code=config.ussd_code,
        accents=config.accents,
        vault=Vault(config.secret_key.get_secret_value(), config.former_secret_key.get_secret_value()),
        mobile_money=_mobile_money(config),
    )


def _mobile_money(config: Config) -> tuple[MobileMoney, ...]:
    """Who can ask phones to pay, in the order of `providers`."""
    described, _mistakes = config.described_providers  # which `providers` tells of
    built_in = [(kind.name, kind.title, told) for kind, told in config.of_providers.items() if told.wanted]
    return tuple(
        MobileMoney(name, title, told.prefix_list, told.pays_to_bill, told.pays_to_till)
        for name, title, told in [*built_in, *((name, one.title, one) for name, one in described.items())]
    )


def figures_of(config: Config) -> Figures:
    """What the office may set of the company, as this configuration has it."""
    return Figures(
        name=config.company,
        help_phone=config.help_phone,
        languages=config.language_codes,
        coin=config.coin_minor,
        whole_only=config.rounding == "refuse",
        commission_at_signing=config.commission_at == "signing",
        cash_limit=config.cash_limit * 10**config.exponent,
        commission=config.basis_points(config.commission_percent),
        goods_commission=config.basis_points(config.goods_commission_percent),
        summary_hour=config.hour_of(config.summary_hour),
        morning_hour=config.hour_of(config.morning_hour),
        day_from=time(config.day_from),
        day_until=time.max if config.day_until == 24 else time(config.day_until),
        void_minutes=config.void_minutes,
        cash_request_minutes=config.cash_request_minutes,
    )


WRONG_KEY = (
    "MWANGA_SECRET_KEY is another one than this database was begun with: no device key can be read with it and no PIN"
    " is right. Set the former key."
)

NOT_REKEYED = "The database is under MWANGA_FORMER_SECRET_KEY still: `mwanga rekey` puts it under MWANGA_SECRET_KEY."


async def check_key(database: Database, company: Company) -> None:
    """Raises ConfigError when the secret key, or the currency, is not the database's own."""
    async with database.work():
        if not await settings.compare_or_keep_key(company.vault):
            former = company.vault.former
            raise ConfigError(NOT_REKEYED if former and await settings.fits_key(former) else WRONG_KEY)
        currency, exponent = await settings.compare_or_keep_currency(company.currency, company.exponent)
    if (currency, exponent) != (company.currency, company.exponent):
        raise ConfigError(say_other_currency(company, currency, exponent))


def say_other_currency(company: Company, currency: str, exponent: int) -> str:
    """That the database counts in another money than the configuration."""
    return (
        f"This database was begun in {currency} with {exponent} decimals, and MWANGA_CURRENCY is {company.currency}"
        f" with {company.exponent}: every amount would be read wrong. Set MWANGA_CURRENCY={currency}."
    )


def gateways(config: Config, session: aiohttp.ClientSession, simulated: bool) -> dict[str, Gateway]:
    """All of them by name, in the usual order; the simulator last."""
    described, mistakes = config.described
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    found: list[Gateway] = [
        kind(session, settings, address=config.address, country=config.country)
        for kind, settings in config.of_gateways.items()
        if settings.wanted
    ]
    found += [
        Described(session, name, description, address=config.address, country=config.country)
        for name, description in described.items()
    ]
    found.append(Simulator(config.country, SIMULATOR_SECRET if simulated else ""))
    return {gateway.name: gateway for gateway in found}


def providers(config: Config, session: aiohttp.ClientSession, company: Company, simulated: bool) -> dict[str, Provider]:
    """The providers of mobile money by name, in the order in which they are asked. In the demo world the phones of
    M-Pesa ring in the simulator, unless it has an address."""
    found: list[Provider] = []
    for kind, told in config.of_providers.items():
        if told.wanted:
            rings_here = simulated and kind is Daraja and not told.server
            made = SimulatedDaraja if rings_here else kind
            found.append(made(session, told, address=config.address, company=company))
    described, mistakes = config.described_providers
    if mistakes:
        raise ConfigError("\n".join(mistakes))
    found += [
        DescribedProvider(session, name, one, address=config.address, company=company)
        for name, one in described.items()
    ]
    return {provider.name: provider for provider in found}
