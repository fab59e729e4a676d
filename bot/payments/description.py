"""One more provider of mobile money in words: the tables `[payments.NAME]` of mwanga.toml, checked before described.py
works by them."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr

from bot.gateways.description import Request, Success, Table, Text, read_tables, says_one
from bot.payments.base import SHORTEST_SECRET, ProviderSettings
from bot.payments.registered import KINDS
from models.selling.requests import Reason

TAKEN = re.compile("|".join([*(kind.name for kind in KINDS), "cash|wallet|bank|simulator"]))
LONGEST_NAME = 20  # the column of payments
# What a request is filled with, beside the provider's own `account`.
OURS = ("phone", "amount", "currency", "id", "serial", "company", "callback_url", "external_id")
News = Literal["paid", "failed", "expired", "pending"]


def _fold(words: dict[str, Any]) -> dict[str, Any]:
    return {word.casefold(): meaning for word, meaning in words.items()}


class Said(Table):
    """Where a callback, or the answer to a query, has what: names of fields, or dotted paths into JSON."""

    # Our own id; it may also be told by the address that we gave, {callback_url}.
    request: str = ""
    # The provider's id of the request, as the answer to `ask` had it.
    id: str = ""
    status: str
    # What the words of a status mean; any other has us look.
    words: Annotated[dict[str, News], AfterValidator(_fold)]
    # Why it failed, and what the customer is told of it.
    reason: str = ""
    reasons: Annotated[dict[str, Reason], AfterValidator(_fold)] = Field({})
    # What names the payment for good: without a receipt and an amount nothing is paid.
    receipt: str
    amount: str
    phone: str = ""
    name: str = ""
    # What the payer typed, of payments that nobody asked for.
    account: str = ""


class Asking(Request):
    """The request that makes a phone ring, and where its answer has what."""

    # Whether {phone} begins with a plus.
    number: Literal["plus", "digits"] = "digits"
    # Without it any status of 2xx says that it was taken.
    success: Success | None = None
    # Where the answer has the provider's own id; without it the request goes by ours.
    id: str = ""
    # Where it has its word for what went wrong; `callback.reasons` says what that means.
    error: str = ""


class ProviderDescription(Table, ProviderSettings):
    """A provider."""

    secret: SecretStr
    # As people call it: enter your {title} PIN.
    title: str = Field(min_length=1, max_length=12)
    # The pay bill, or the till, that customers pay to in its own menu: they read of it. Empty: none.
    pay_bill: str = Field("", pattern="^[0-9]{0,10}$")
    till: str = Field("", pattern="^[0-9]{0,10}$")
    # What its requests need beside the payment: keys, names, numbers.
    account: dict[str, Text] = Field({}, repr=False)
    # In which form it calls us.
    callbacks: Literal["form", "json", "query"] = "json"
    # What it wants to read when we took a call.
    answer: str = ""
    # How long a phone rings at most.
    rings_seconds: int = Field(180, ge=30, le=3_600)
    # A callback only has us look: what `query` says counts.
    confirm: bool = False
    ask: Asking
    callback: Said
    query: Request | None = None
    # Where the answer to a query has what, if elsewhere than a callback.
    found: Said | None = None

    @property
    def pays_to_bill(self) -> str:
        return self.pay_bill

    @property
    def pays_to_till(self) -> str:
        return self.till


def read_providers(tables: Mapping[str, Any]) -> tuple[dict[str, ProviderDescription], list[str]]:
    """The providers that are described well, and a sentence for each mistake."""
    good, problems = read_tables("payments", tables, ProviderDescription, TAKEN, _find_gaps)
    long = [name for name in good if len(name) > LONGEST_NAME]
    problems += [f"payments.{name}: a name has {LONGEST_NAME} letters at most." for name in long]
    return {name: one for name, one in good.items() if name not in long}, problems


def _find_gaps(one: ProviderDescription) -> list[str]:
    """What every field alone allows but all together do not."""
    found, asked = one.ask.find_gaps("ask"), one.ask.placeholders
    if one.query:
        found += one.query.find_gaps("query")
    if len(one.secret.get_secret_value()) < SHORTEST_SECRET:
        found.append(f"secret: it needs {SHORTEST_SECRET} characters or more, since it guards the callbacks.")
    for where, used in (("ask", asked), ("query", one.query.placeholders if one.query else set())):
        found += [f"{where}: {{{name}}} is none of ours and not in account." for name in sorted(used - _known(one))]
    found += [f"account.{key}: {key} is a name of ours." for key in one.account if key in OURS]
    found += [f"ask: {{{name}}} is nowhere in the request." for name in ("phone", "amount") if name not in asked]
    if "external_id" in asked:
        found.append("ask: {external_id} is known only when it was asked; it is for query.")
    if one.ask.success and not says_one(one.ask.success):
        found.append("ask.success: in, which may have a path, or contains.")
    if not _finds_its_request(one, asked):
        found.append("callback: say by id or request whose it is, or send {callback_url}; else nothing matches.")
    if one.confirm and not one.query:
        found.append("confirm: there is no query that could.")
    if any(re.search(r"[\x00-\x1f\x7f]", value) for value in one.account.values()):
        found.append("account: no header can have line ends, so account has none.")
    return found


def _known(one: ProviderDescription) -> set[str]:
    return {*OURS, *one.account}


def _finds_its_request(one: ProviderDescription, asked: set[str]) -> bool:
    by_theirs = bool(one.callback.id and one.ask.id)
    by_ours = bool(one.callback.request and "id" in asked)
    return by_theirs or by_ours or "callback_url" in asked
