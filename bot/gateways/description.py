"""One more gateway in words: the tables `[gateways.NAME]` of mwanga.toml, checked before described.py works
by them."""

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from bot.gateways import GatewaySettings
from bot.gateways.errors import ERRORS
from bot.gateways.registered import KINDS
from bot.setting_files import REFERRED, ConfigError, look_up
from bot.text.close import did_you_mean

# Names that stand for something else. By `phone-` all know a gateway phone, and `none` is the gateway of messages which
# no gateway may carry.
TAKEN = re.compile("|".join([*(kind.name for kind in KINDS), "simulator|none|phones?|phone-.*"]))
NOUNS = {"gateways": "gateway", "payments": "provider"}  # what the tables of a place describe
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
DESCRIPTIONS = files("bot.gateways") / "descriptions"
PRESETS = {file.name.removesuffix(".toml"): file for file in DESCRIPTIONS.iterdir() if file.name.endswith(".toml")}

# What a request is filled with, beside the gateway's own `account`.
OURS = ("phone", "text", "id", "sender", "delivery_url", "coding")
PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.1


def _check_error_names(words: dict[str, str]) -> dict[str, str]:
    for word, name in words.items():
        if name not in ERRORS:
            raise ValueError(f"{word} is to be one of: {', '.join(ERRORS)}")
    return words


def _fold_words(words: dict[str, str]) -> dict[str, str]:
    return {word.casefold(): meaning for word, meaning in words.items()}


def _check_pattern(value: str) -> str:
    try:
        groups = re.compile(value).groups
    except re.error as error:
        raise ValueError(f"a regular expression ({error})") from error
    if value and not groups:
        raise ValueError("a regular expression with the id as a group, like `ID: ([0-9]+)`")
    return value


Folded = AfterValidator(_fold_words)
Text = Annotated[str, BeforeValidator(lambda value: str(value).lower() if isinstance(value, bool | int) else value)]
Paths = Annotated[list[str], BeforeValidator(lambda value: [value] if isinstance(value, str) else value)]
News = Literal["sent", "delivered", "failed"]


class Table(BaseModel):
    """A table of mwanga.toml: it has the keys that are named here and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Incoming(Table):
    """Where an SMS that comes in has what: names of fields, or dotted paths into JSON."""

    # Several paths of an id make one by a keyed digest.
    id: Annotated[Paths, Field(min_length=1)]
    sender: str = Field(alias="from")
    text: str
    recipient: str = Field("", alias="to")
    network: str = ""


class Delivery(Table):
    """Where a delivery report has what."""

    # Without it a report is told by the address that we gave, {delivery_url}.
    id: str = ""
    # Whom the message was for. Reports by an id of ours need it: after a restore the same id is another message's.
    receiver: str = Field("", alias="to")
    # What stands at several paths of a status is joined by spaces.
    status: Annotated[Paths, Field(min_length=1)]
    reason: str = ""
    # What the words of a status mean; any other is no news.
    words: Annotated[dict[str, News], Folded]


class Signature(Table):
    """How a callback is signed: by the HMAC-SHA256 of its body, in hexadecimal digits."""

    # The name of the header that has it.
    header: str
    key: SecretStr
    # What stands before the digits, like `sha256=`.
    prefix: str = ""


class Success(Table):
    """How an answer says that the message was taken."""

    # What stands here is one of `within`; without a path, the answer begins with one of them.
    path: str = ""
    within: list[Text] = Field([], alias="in")
    # The answer has one of these in it.
    contains: list[Text] = []


class Coding(Table):
    """What {coding} says of a text."""

    # It fits the GSM alphabet.
    gsm: Text
    # It does not.
    unicode: Text


class Request(Table):
    """An HTTP request, with placeholders in it."""

    url: str
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: dict[str, str] = {}
    query: dict[str, Text] = {}
    # At most one of these three is the body.
    form: dict[str, Text] | None = None
    json_body: dict[str, Any] | list[Any] | None = Field(None, alias="json")
    text: str | None = None

    @property
    def placeholders(self) -> set[str]:
        """All that it has."""
        return find_placeholders([self.url, self.headers, self.query, self.form, self.json_body, self.text])

    def find_gaps(self, where: str) -> list[str]:
        """What every field alone allows but all together do not; `where` is what the table is called."""
        bodies, found = [body for body in (self.form, self.json_body, self.text) if body is not None], []
        if len(bodies) > 1:
            found.append(f"{where}: a request has one body, form, json or text.")
        if bodies and self.method == "GET":
            found.append(f"{where}: a GET has no body; put it into {where}.query.")
        if not _is_json(self.json_body):
            found.append(f"{where}.json: JSON has no dates and no infinity.")
        if not re.fullmatch(r"https?://[^?#\s]+", self.url):
            found.append(f"{where}.url: a whole address without ?; what follows that is {where}.query.")
        return found


class Sending(Request):
    """The request that hands one message over, and where its answer has what."""

    # Whether {phone} begins with a plus.
    number: Literal["plus", "digits"] = "plus"
    coding: Coding | None = None
    # Without it any status of 2xx says that the message was taken.
    success: Success | None = None
    # Where the answer has its id of the message; `id_pattern` finds it in one that is no JSON, as its first group.
    # Without either, the message goes by our own id.
    id: str = ""
    id_pattern: Annotated[str, AfterValidator(_check_pattern)] = ""
    # Where it has its word for what went wrong; without it the whole answer is looked through.
    error: str = ""
    cost: str = ""

    @property
    def theirs(self) -> bool:
        """Whether the message goes by an id of the gateway's own."""
        return bool(self.id or self.id_pattern)


class Description(Table, GatewaySettings):
    """A gateway."""

    secret: SecretStr
    # Requests under way to it: an app on a phone lets some fifty wait at its door, Kannel ten.
    at_once: int = Field(32, ge=1)
    # What its request needs beside the message: keys, names, numbers.
    account: dict[str, Text] = Field({}, repr=False)
    # In which form it calls us.
    callbacks: Literal["form", "json", "query"]
    # What it wants to read when we took a call.
    answer: str = ""
    signature: Signature | None = None
    incoming: Incoming | None = None
    delivery: Delivery | None = None
    send: Sending
    # Its words, or `HTTP 402`, with the names that we have for them.
    errors: Annotated[dict[str, str], AfterValidator(_check_error_names), Folded] = {}

    @property
    def server(self) -> str:
        return self.send.url


T = TypeVar("T", bound=BaseModel)


def read_descriptions(tables: Mapping[str, Any]) -> tuple[dict[str, Description], list[str]]:
    """The gateways that are described well, and a sentence for each mistake."""
    return read_tables("gateways", tables, Description, TAKEN, _find_gaps)


def read_tables(
    place: str,
    tables: Mapping[str, Any],
    model: type[T],
    taken: re.Pattern[str],
    find_gaps: Callable[[T], list[str]],
) -> tuple[dict[str, T], list[str]]:
    """What the tables `[place.NAME]` describe well, by name, and a sentence for each mistake."""
    good, problems = {}, []
    for name, table in tables.items():
        found: list[str] = []
        try:
            one = model.model_validate(_complete(place, name, table, taken, found))
        except ValidationError as error:
            found += [_explain(model, mistake["loc"], mistake["msg"], mistake["type"]) for mistake in error.errors()]
        except ValueError as error:
            found.append(str(error))
        else:
            found += find_gaps(one)
            good[name] = one
        if found:
            good.pop(name, None)
        problems += [f"{place}.{name}{'' if said.startswith(':') else '.'}{said}" for said in found]
    return good, problems


def _complete(place: str, name: str, table: Any, taken: re.Pattern[str], found: list[str]) -> dict[str, Any]:
    """With what its preset says, and with `${NAME}` out of the environment. Raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(": a name has small letters, digits and -, 40 at most, and begins with a letter.")
    if taken.fullmatch(name):
        raise ValueError(f": the name is taken by a {NOUNS[place]} of our own.")
    if not isinstance(table, dict):
        raise ValueError(f": this is a table, [{place}.NAME].")
    table = dict(table)
    if (preset := table.pop("preset", None)) is not None:
        if preset not in PRESETS:
            raise ValueError(f"preset: there is {', '.join(sorted(PRESETS))}.")
        table = _merge(tomllib.loads(PRESETS[preset].read_text(encoding="utf-8")), table)
    filled: dict[str, Any] = _fill_in(table, "", found)
    return filled


def _merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables are merged, anything else is replaced."""
    both: dict[str, Any] = below | above
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            both[key] = _merge(below[key], above[key])
    return both


def _fill_in(value: Any, where: str, found: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill_in(each, f"{where}.{key}".strip("."), found) for key, each in value.items()}
    if isinstance(value, list):
        return [_fill_in(each, where, found) for each in value]
    if not isinstance(value, str):
        return value
    values: dict[str, str | None] = {}
    for name in REFERRED.findall(value):
        try:
            values[name] = look_up(name)
        except ConfigError as error:
            raise ValueError(f"{where}: {error}") from error
    found += [f"{where}: the environment has no {name}." for name, known in values.items() if known is None]
    return REFERRED.sub(lambda match: values[match[1]] or "", value)


def _explain(model: type[BaseModel], where: tuple[int | str, ...], message: str, kind: str) -> str:
    place = ".".join(str(step) for step in where)
    if kind == "extra_forbidden":
        return f"{place}: there is no such key{did_you_mean(str(where[-1]), _keys_at(model, where[:-1]))}"
    words = {"missing": "this is missing"}
    return f"{place}: {words.get(kind, message.removeprefix('Value error, '))}."


def _keys_at(model: type[BaseModel], where: tuple[int | str, ...]) -> list[str]:
    """The keys that a table of the description may have."""
    for step in where:
        types = [
            each
            for name, field in model.model_fields.items()
            if step in (name, field.alias)
            for each in (field.annotation, *get_args(field.annotation))  # of `Incoming | None`, Incoming
        ]
        tables = [each for each in types if isinstance(each, type) and issubclass(each, BaseModel)]
        if not tables:
            return []
        model = tables[0]
    return [field.alias or name for name, field in model.model_fields.items()]


def _find_gaps(one: Description) -> list[str]:
    """What every field alone allows but all together do not."""
    found = _find_gaps_of_request(one.send) + _find_gaps_of_headers(one)
    if len(one.secret.get_secret_value()) < 16:
        found.append("secret: it needs 16 characters or more, since it guards the callbacks.")
    used = one.send.placeholders
    found += [f"send: {{{name}}} is none of ours and not in account." for name in sorted(used - {*OURS, *one.account})]
    found += [f"account.{key}: {key} is a name of ours." for key in one.account if key in OURS]
    if "sender" in used and not one.sender:
        found.append("sender: the request has {sender}, and this is empty.")
    if one.signature and one.callbacks == "query":
        found.append("signature: it covers the body, and these callbacks have none.")
    if one.delivery and not one.delivery.id and (one.send.theirs or "delivery_url" not in used):
        found.append("delivery.id: this is missing; only with {delivery_url} and without send.id it may be.")
    if one.delivery and not one.send.theirs and not used & {"id", "delivery_url"}:
        found.append("send.id: say where the answer has it, or send {id} or {delivery_url}; else no report matches.")
    if not one.delivery and "delivery_url" in used:
        found.append("delivery: the request has {delivery_url}, and this is missing.")
    return found


def _find_gaps_of_request(send: Sending) -> list[str]:
    used = send.placeholders
    found = [f"send: {{{name}}} is nowhere in the request." for name in ("phone", "text") if name not in used]
    if send.id and send.id_pattern:
        found.append("send.id_pattern: this or send.id says where the answer has the id.")
    if "coding" in used and not send.coding:
        found.append("send.coding: the request has {coding}, and this is missing.")
    if (success := send.success) and not says_one(success):
        found.append("send.success: in, which may have a path, or contains.")
    return found + send.find_gaps("send")


def says_one(success: Success) -> bool:
    """Whether it says in one way how an answer says yes."""
    return bool(success.contains and not success.path) != bool(success.within)


def _find_gaps_of_headers(one: Description) -> list[str]:
    """A line end in a value would begin another header."""
    headers, found = one.send.headers, []
    if any(re.search(r"[\x00-\x1f\x7f]", value) for value in [one.sender, *one.account.values(), *headers.values()]):
        found.append("send.headers: no header can have line ends, so sender and account have none.")
    if "text" in find_placeholders(headers):
        found.append("send.headers: {text} may have line ends, which no header can have.")
    names = [*headers, *([one.signature.header] if one.signature else [])]
    return found + [f"send.headers: {name} is no name of a header." for name in names if not HEADER.fullmatch(name)]


def _is_json(template: Any) -> bool:
    try:
        json.dumps(template, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def find_placeholders(template: Any) -> set[str]:
    """All `{name}` in a template."""
    if isinstance(template, dict | list):
        return set().union(*map(find_placeholders, template.values() if isinstance(template, dict) else template))
    return set(PLACEHOLDER.findall(template)) if isinstance(template, str) else set()


def map_strings(template: Any, change: Callable[[str], str]) -> Any:
    """The template with each of its texts changed; keys and anything else stay."""
    if isinstance(template, dict):
        return {key: map_strings(value, change) for key, value in template.items()}
    if isinstance(template, list):
        return [map_strings(value, change) for value in template]
    return change(template) if isinstance(template, str) else template
