"""One typed, frozen configuration, read from `MWANGA_*` and `mwanga.toml` and checked before anything starts."""

import ipaddress
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages
from pydantic import Field, PrivateAttr, SecretStr, ValidationError, ValidationInfo, create_model, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from bot.edge import read_networks
from bot.gateways import BaseGateway, GatewaySettings, WebAddress
from bot.gateways.base import is_whole_address
from bot.gateways.description import Description, read_descriptions
from bot.gateways.registered import KINDS
from bot.payments import Provider
from bot.payments.base import ProviderSettings
from bot.payments.description import ProviderDescription, read_providers
from bot.payments.registered import KINDS as PROVIDERS
from bot.routing.router import Rule, is_phones
from bot.runtime.addresses import check_address
from bot.setting_files import (
    ConfigError,
    find_file,
    find_unknown,
    list_secret_files,
    read_secrets,
    read_table,
    resolve_database,
)
from bot.text.close import did_you_mean
from bot.text.numbers import is_number
from models.currencies import EXPONENTS, usual_coin
from models.messages import MessageKind

HOUR = "^([01]?[0-9]|2[0-3])?$"
Percent = Annotated[str, Field(pattern=r"^(100|[0-9]{1,2}([.][0-9]{1,2})?)$")]
LANGUAGES = ("en", "sw", "fr", "pt", "ha")


class OurSettings(BaseSettings):
    """Where this server is, and whose."""

    model_config = SettingsConfigDict(env_prefix="MWANGA_", frozen=True, extra="forbid", populate_by_name=True)

    database: str = Field("sqlite://mwanga.db", description="where the data is: `sqlite://FILE` or `postgres://…`")
    host: str = Field("127.0.0.1", description="the address to listen on")
    port: int = Field(8080, ge=1, le=65535, description="the port to listen on")
    public_url: WebAddress = Field("", description="our own address as gateways reach it; default `http://HOST:PORT`")
    secret_key: SecretStr = Field(
        SecretStr(""), description="any text of 32 characters or more; encrypts device keys, peppers PINs"
    )
    former_secret_key: SecretStr = Field(
        SecretStr(""), description="the one before, after `mwanga rekey`, until that names nothing under it any more"
    )
    company: str = Field("Mwanga", min_length=1, max_length=20, description="the company's name as customers read it")
    country: str = Field("TZ", description="two letters; how numbers without a country code are read")
    currency: str = Field("TZS", description="three letters; one currency for everything, fixed with the database")
    thousands: str = Field(
        "", pattern="^[,.]?$", description="the mark between thousands, `,` or `.`; default: as the country writes"
    )
    coin: str = Field(
        "",
        description="the smallest amount of cash, like `50` or `0.50`; default: the currency's smallest coin in use "
        "(GHS 0.50, TZS and UGX 50, XAF and XOF 5), else a whole unit",
    )
    rounding: str = Field(
        "credit",
        pattern="^(credit|refuse)$",
        description="what cash buys no unit with stays the customer's `credit`, or the office would `refuse` it",
    )
    commission_at: str = Field(
        "payment",
        pattern="^(payment|signing)$",
        description="when agents earn on an appliance: with each `payment` of its price, or all of it at `signing`",
    )
    timezone: str = Field("Africa/Dar_es_Salaam", description="the zone in which times are shown and days begin")
    languages: str = Field("en,sw,fr,pt,ha", description="the languages offered, the first one is the default")
    accents: bool = Field(False, description="let names and people's own words keep the accents that cost nothing")
    help_phone: str = Field(
        "", max_length=14, pattern="^[0-9+().*#-]*$", description="the number that people are told to call"
    )
    ussd_code: str = Field("*384*20#", description="the code that people dial; empty where they cannot")


ALL_KINDS: tuple[type[BaseGateway] | type[Provider], ...] = (*KINDS, *PROVIDERS)


def _fields_of_kinds() -> dict[str, Any]:
    """The settings of each kind of gateway and of provider, as fields: the `url` of Kannel's settings is `kannel_url`
    here. Those of the kind alone come before those that all kinds have."""
    fields: dict[str, Any] = {}
    shared = {*GatewaySettings.model_fields, *ProviderSettings.model_fields}
    for kind in ALL_KINDS:
        told = sorted(kind.Settings.model_fields.items(), key=lambda item: item[0] in shared)
        fields |= {f"{kind.name}_{name}": (field.annotation, field) for name, field in told}
    return fields


if TYPE_CHECKING:  # types know no fields that are made: ask for them by `Config.of_gateways` and `of_providers`
    SettingsWithKinds = OurSettings
else:
    SettingsWithKinds = create_model("SettingsWithKinds", __base__=OurSettings, **_fields_of_kinds())


class Config(SettingsWithKinds):
    """Every setting, with its default and what it is for. The table in docs/reference.md is made from this."""

    smsgate_token: SecretStr = Field(
        SecretStr(""), description="a private token with which any gateway phone may register; empty: only with a code"
    )
    sim_receivers: int = Field(
        100, ge=1, description="different people whom a SIM may write to in a month; a warning comes at 80 % of it"
    )

    gateways: dict[str, Any] = Field(
        {}, repr=False, description="more gateways over HTTP, as tables `[gateways.NAME]` in mwanga.toml"
    )

    payments: dict[str, Any] = Field(
        {}, repr=False, description="more providers of mobile money, as tables `[payments.NAME]` in mwanga.toml"
    )

    route: str = Field(
        "",
        description="gateways in order, like `phones,kannel`: the first that is well carries what is no answer;"
        f" `phones` are all gateway phones; default: {', '.join(kind.title for kind in KINDS)}, others, phones",
    )
    rules: tuple[Rule, ...] = Field(
        (), description="exceptions from the route, as tables `[[rules]]` in mwanga.toml; the first that fits counts"
    )
    failover_seconds: int = Field(
        120, ge=1, description="a token or reply that a phone has not fetched by then goes by another gateway"
    )
    token_copies: int = Field(
        6, ge=1, le=20, description="so often a token goes out at most where nobody knows whether it arrived"
    )
    reply_copies: int = Field(3, ge=1, le=20, description="the same for replies")
    canaries: dict[str, str] = Field(
        {}, description="the gateways' own numbers, by name, for an hourly test message; phones know theirs"
    )
    airtime_pattern: str = Field(
        "", description="finds the airtime left in the operator's own texts, like `balance is TZS ([0-9,.]+)`"
    )
    alert_phone: str = Field("", description="who gets an SMS when a gateway is down, and when it is well again")
    alert_url: str = Field("", description="an address that gets the same as JSON by POST")
    alert_secret: SecretStr = Field(SecretStr(""), description="signs it: HMAC-SHA256 of body and timestamp, in hex")
    metrics_token: SecretStr = Field(
        SecretStr(""), description="who may see `/metrics` and `/ready`; empty: only this machine, not through a proxy"
    )
    trusted_proxies: str = Field(
        "",
        description="addresses or networks of your proxies, with commas between: their X-Forwarded-For is believed",
    )
    summary_hour: str = Field(
        "19", pattern=HOUR, description="when agents who sold or handed in are told of their day, 0 to 23; empty: never"
    )
    morning_hour: str = Field(
        "7", pattern=HOUR, description="when agents are told what they can sell for, 0 to 23; empty: never"
    )
    day_from: int = Field(
        8, ge=0, le=12, description="o'clock from which reminders and broadcasts go out; nobody is woken before"
    )
    day_until: int = Field(19, ge=13, le=24, description="o'clock until which they go out")
    cash_limit: int = Field(
        100_000, ge=0, le=99_999_999, description="how much cash a new agent may hold where nobody says another limit"
    )
    commission_percent: Percent = Field("10", description="of payments, what a new agent earns")
    goods_commission_percent: Percent = Field("5", description="of the price of appliances, what a new agent earns")
    void_minutes: int = Field(
        15, ge=0, le=1440, description="so many minutes an agent may ask to have a sale taken back; 0: never"
    )
    sender_cap: int = Field(200, ge=0, le=1_000_000, description="replies to one number in an hour; 0 means no cap")
    global_cap: int = Field(
        0, ge=0, le=1_000_000, description="replies to all numbers in an hour, by each server; 0 means no cap"
    )
    cash_request_minutes: int = Field(
        60, ge=5, le=1_440, description="for so long an agent may answer a customer who wants to buy for cash"
    )
    second_factor: bool = Field(
        True, description="whether owners and finance need a code of their phone's app beside the password"
    )
    retention_days: int = Field(365, ge=1, le=36_500, description="how long message texts are kept")
    suspense_days: int = Field(
        3,
        ge=1,
        le=36_500,
        description="the office has an alert of money that providers have, or that is for nobody, for longer",
    )
    backup_folder: Path | None = Field(
        None, description="a folder into which the office may have an embedded database copied"
    )
    journal_folder: Path | None = Field(
        None, description="a second place for the token journal, best on another disk; with PostgreSQL the only one"
    )
    demo_in_public: bool = Field(
        False,
        description="let a demo world be reached from other machines, although its passwords and PINs are published",
    )
    demo_customers: int = Field(0, ge=0, description="`demo` adds this many customers, for benchmarks")
    demo_life: bool = Field(
        False,
        description="`demo` adds a mini-grid with a day's invented life; it does by itself where its simulator is the "
        "only gateway",
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="how much is logged")

    _file: Path | None = PrivateAttr(None)
    _secret_files: list[Path] = PrivateAttr([])

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_others: Any, **_more: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # `load` asks the others, in the order that it tells

    @property
    def file(self) -> Path | None:
        """The file that it was read from, if any."""
        return self._file

    @property
    def secret_files(self) -> list[Path]:
        """The files that hold one secret each."""
        return self._secret_files

    @field_validator("help_phone", mode="before")
    @classmethod
    def _remove_spaces(cls, value: object) -> object:
        """Spaces cost letters of every text that has it."""
        return value.replace(" ", "") if isinstance(value, str) else value

    @field_validator("backup_folder", "journal_folder", mode="before")
    @classmethod
    def _take_nothing_for_no_folder(cls, value: object) -> object:
        """An empty text would be the folder in which somebody happens to be."""
        return None if value == "" else value

    @field_validator("country")
    @classmethod
    def _check_country(cls, value: str) -> str:
        if value.upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"{value!r} is no country: two letters, like TZ")
        return value.upper()

    @field_validator("currency")
    @classmethod
    def _check_currency(cls, value: str) -> str:
        if value.upper() not in EXPONENTS:
            raise ValueError(f"{value!r} is no currency by ISO 4217: three letters, like TZS")
        return value.upper()

    @field_validator("coin")
    @classmethod
    def _check_coin(cls, value: str, info: ValidationInfo) -> str:
        currency = str(info.data.get("currency", ""))
        if value and not read_coin(value, EXPONENTS.get(currency, 0)):
            raise ValueError(f"{value!r} is no amount of {currency}: like 50 or 0.50")
        return value

    @field_validator("timezone")
    @classmethod
    def _check_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: of `Africa`, which is a folder
            raise ValueError(f"{value!r} is no time zone: a time zone like Africa/Dar_es_Salaam") from None
        return value

    @field_validator("languages")
    @classmethod
    def _check_languages(cls, value: str) -> str:
        codes = value.split(",")
        if not {*codes} <= {*LANGUAGES} or len({*codes}) < len(codes):
            raise ValueError(f"{value!r} is no list of languages: codes out of {','.join(LANGUAGES)}, each once")
        return value

    @field_validator("airtime_pattern")
    @classmethod
    def _check_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"a regular expression ({error})") from error
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        try:
            read_networks(value)
        except ValueError as error:
            raise ValueError("addresses like 127.0.0.1,10.0.0.0/8") from error
        return value

    @field_validator("database")
    @classmethod
    def _check_database(cls, value: str) -> str:
        check_address(value)
        return value

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def language_codes(self) -> list[str]:
        return self.languages.split(",")

    @cached_property
    def route_names(self) -> list[str]:
        return [name.strip() for name in self.route.split(",") if name.strip()]

    @cached_property
    def described(self) -> tuple[dict[str, Description], list[str]]:
        """The gateways of the tables `gateways`, by their names, and a sentence for each mistake there."""
        return read_descriptions(self.gateways)

    @property
    def of_gateways(self) -> dict[type[BaseGateway], GatewaySettings]:
        """What each kind of gateway is told, in the usual order of the gateways."""
        return {
            kind: kind.Settings(**{name: getattr(self, f"{kind.name}_{name}") for name in kind.Settings.model_fields})
            for kind in KINDS
        }

    @cached_property
    def described_providers(self) -> tuple[dict[str, ProviderDescription], list[str]]:
        """The providers of the tables `payments`, by their names, and a sentence for each mistake there."""
        return read_providers(self.payments)

    @property
    def of_providers(self) -> dict[type[Provider], ProviderSettings]:
        """What each kind of provider of mobile money is told, in the order in which they are asked."""
        return {
            kind: kind.Settings(**{name: getattr(self, f"{kind.name}_{name}") for name in kind.Settings.model_fields})
            for kind in PROVIDERS
        }

    @cached_property
    def exponent(self) -> int:
        """How many decimals this currency has by ISO 4217: 1 shilling is 100 minor units when it is 2."""
        return EXPONENTS[self.currency]

    @cached_property
    def coin_minor(self) -> int:
        """The smallest amount of cash, in minor units."""
        return read_coin(self.coin, self.exponent) or usual_coin(self.currency)

    @cached_property
    def thousands_mark(self) -> str:
        """As the country writes by its first official language, a point for a space: a space would part an amount."""
        if self.thousands:
            return self.thousands
        official = get_official_languages(self.country, de_facto=True)
        try:
            locale = Locale(official[0], self.country)
        except (IndexError, UnknownLocaleError):
            return ","
        return "," if locale.number_symbols["latn"]["group"] == "," else "."

    @staticmethod
    def hour_of(written: str) -> int | None:
        """The hour of a day; None for never."""
        return int(written) if written else None

    @staticmethod
    def basis_points(percent: str) -> int:
        """A percentage with up to two decimals, in its hundredths."""
        whole, _, decimals = percent.partition(".")
        return int(whole + decimals.ljust(2, "0"))

    @property
    def copies(self) -> dict[MessageKind, int]:
        """How often what may have arrived goes out."""
        return {MessageKind.TOKEN: self.token_copies, MessageKind.REPLY: self.reply_copies}

    @property
    def address(self) -> str:
        """Our own address as gateways, phones and people reach it."""
        return self.public_url or self.own_address

    @property
    def own_address(self) -> str:
        """Where the server itself listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def on_loopback(self) -> bool:
        """Whether it is this machine alone that reaches the server, by where it listens and by its public address."""
        return all(map(is_loopback, (self.host, urlsplit(self.address).hostname or "")))

    @property
    def has_gateway(self) -> bool:
        """Whether a gateway is configured, wholly or in part."""
        return bool(self.gateways) or any(settings.begun for settings in self.of_gateways.values())

    def problems(self) -> list[str]:
        """Everything that `serve` would stumble over, one sentence each; empty when all is well."""
        found = []
        if len(self.secret_key.get_secret_value()) < 32:
            found.append(f"MWANGA_SECRET_KEY needs 32 characters or more. A good one: {secrets.token_urlsafe(32)}")
        found += self._problems_of_gateways()
        for provider, told in self.of_providers.items():
            found += told.problems(_prefix(provider), self.address)
        found += self.described_providers[1]
        found += self._problems_of_alerts()
        if not self.help_phone:
            found.append("MWANGA_HELP_PHONE is empty: people are told to call it when something is wrong.")
        return found

    def _problems_of_gateways(self) -> list[str]:
        found, told = [], self.of_gateways
        for kind, settings in told.items():
            found += settings.problems(_prefix(kind))
        found += self.described[1]
        configured = [*(kind.name for kind, settings in told.items() if settings.begun), *self.gateways]
        if not configured and not any(map(is_phones, self.route_names)):
            found.append(
                f"No gateway can send: set {_list_choices()}, or MWANGA_ROUTE=phones for gateway phones alone."
            )
        if 0 < len(self.metrics_token.get_secret_value()) < 16:
            found.append("MWANGA_METRICS_TOKEN needs 16 characters or more.")
        if 0 < len(self.smsgate_token.get_secret_value()) < 16:
            found.append("MWANGA_SMSGATE_TOKEN needs 16 characters or more: who knows it can be a gateway.")
        named = {"MWANGA_ROUTE": self.route_names, "A rule": [name for rule in self.rules for name in rule.gateways]}
        for place, names in (named | {"MWANGA_CANARIES": list(self.canaries)}).items():
            unknown = [name for name in names if name not in configured and not is_phones(name)]
            found += [f"{place} names {name}, which is not configured." for name in unknown]
        return found

    def _problems_of_alerts(self) -> list[str]:
        found = []
        if self.alert_url and not is_whole_address(self.alert_url):
            found.append("MWANGA_ALERT_URL is a whole address, like https://example.org/alerts.")
        for name, number in {"MWANGA_ALERT_PHONE": self.alert_phone, **self.canaries}.items():
            if number and not is_number(number, self.country):
                found.append(f"{name}: {number} is not a phone number.")
        return found


def read_coin(written: str, exponent: int) -> int:
    """An amount with a point before its decimals, in minor units; 0 for what is none, or has more decimals than the
    currency."""
    parts = re.fullmatch(r"([0-9]{1,7})(?:\.([0-9]{1,3}))?", written)
    if parts is None or len(parts[2] or "") > exponent:
        return 0
    return int(parts[1] + (parts[2] or "").ljust(exponent, "0"))


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _prefix(kind: type[BaseGateway] | type[Provider]) -> str:
    """How the names of its settings begin."""
    return f"MWANGA_{kind.name.upper()}"


def _list_choices() -> str:
    """What may be set to have a gateway."""
    *others, last = [f"{_prefix(kind)}_… for {kind.title}" for kind in KINDS]
    return f"{', '.join(others)} or {last}"


SECRETS = (
    "database",
    *(name for name, field in Config.model_fields.items() if field.annotation is SecretStr),
)


def load(file: Path | None = None, *, of_system: bool = True, **overrides: object) -> Config:
    """Read the configuration: what is given here counts first, then the environment, files of single secrets and
    systemd's credentials, then the file. Raises ConfigError with a line for each wrong setting."""
    file = find_file(file, of_system=of_system)
    table = read_table(file)
    if unknown := find_unknown(table, Config.model_fields, SECRETS):
        raise ConfigError("\n".join(unknown))
    files = list_secret_files(table, SECRETS)
    table = {name: value for name, value in table.items() if name in Config.model_fields}
    usual = Config.model_fields["database"].default
    if (address := resolve_database(str(table.get("database", usual)), file)) != usual:
        table["database"] = address
    try:
        config = Config(**table | read_secrets(files) | EnvSettingsSource(Config)() | overrides)
    except ValidationError as error:
        raise ConfigError("\n".join(map(explain, error.errors()))) from error
    except ValueError as error:
        raise ConfigError(str(error)) from error
    config._file, config._secret_files = file, [path for path, _place in files.values()]
    return config


def explain(mistake: ErrorDetails) -> str:
    """One wrong setting; pydantic's own words do not say which value they mean."""
    name, said = str(mistake["loc"][0]), mistake["msg"].removeprefix("Value error, ")
    if name == "rules" and mistake["type"] == "extra_forbidden":
        keys = [field.alias or key for key, field in Rule.model_fields.items()]
        key = str(mistake["loc"][-1])
        return f"MWANGA_RULES: a rule has no {key}{did_you_mean(key, keys)}"
    plain = isinstance(mistake["input"], str | int | float) and name not in SECRETS and mistake["type"] != "value_error"
    return f"MWANGA_{name.upper()}: {said}" + (f", not {mistake['input']!r}" if plain else "")


def checked(config: Config) -> Config:
    """The configuration, fit to serve. Raises ConfigError."""
    if problems := config.problems():
        raise ConfigError("\n".join(problems))
    return config


DEMO_IN_PUBLIC = (
    "This is the demo world: its passwords and PINs are published. It is served on this machine alone, not on"
    " {address}; MWANGA_DEMO_IN_PUBLIC=true lets it be reached by everybody."
)


DEMO_KEY = "mwanga demo key: never use it for a real device"


def is_demo_secret(secret: str) -> bool:
    """Whether a secret is one that the demo world has, and so everybody."""
    return secret == DEMO_KEY or secret in {value for kind in ALL_KINDS for value in kind.Settings.demo.values()}


def demo_world(config: Config) -> Config:
    """What the demo world needs, where nothing else was said. Raises ConfigError for a short secret key."""
    if 0 < len(config.secret_key.get_secret_value()) < 32:
        raise ConfigError(next(problem for problem in config.problems() if "SECRET_KEY" in problem))
    defaults = {
        "secret_key": SecretStr(DEMO_KEY),
        "company": "Mwanga Demo",
        "help_phone": "+255700000000",
        "second_factor": False,
    }
    for kind in ALL_KINDS:
        demo = kind.Settings.model_validate(kind.Settings.demo)
        defaults |= {f"{kind.name}_{name}": getattr(demo, name) for name in kind.Settings.demo}
    return config.model_copy(update={k: v for k, v in defaults.items() if k not in config.model_fields_set})
