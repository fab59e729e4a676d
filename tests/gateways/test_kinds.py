"""What holds for every kind of gateway: its names, its settings, its doors, and what it refuses."""

import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from bot.config import Config, demo_world, load
from bot.configured import gateways
from bot.gateways import BadCallback, BaseGateway, Callback, Gateway, wire
from bot.gateways.errors import ERRORS
from bot.gateways.kannel import Kannel
from bot.gateways.registered import KINDS
from tests.project.pages import REFERENCE

KIND = pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
DESCRIBED = {"secret": "s" * 16, "callbacks": "form", "answer": "ACK", "per_second": 5} | {
    "send": {"url": "https://pigeon.example.org/", "form": {"to": "{phone}", "text": "{text}", "id": "{id}"}}
}
# Each parse method with what a gateway says that does not have it.
CALLBACKS = {
    "sms": "brings no messages",
    "receipt": "has no delivery reports",
    "ussd": "has no USSD",
    "ussd_end": "has no USSD",
    "optout": "has no opt-outs",
}
NAMES = [*(kind.name for kind in KINDS), "pigeon", "simulator"]


def given(kind: type[BaseGateway]) -> dict[str, Any]:
    """All that a kind needs."""
    needed = {f"{kind.name}_{field}": "https://gateway.example.org" for field in kind.Settings.needed}
    return needed | {f"{kind.name}_secret": "s" * 16}


async def configured(*, simulated: bool = False, **settings: Any) -> dict[str, Gateway]:
    """The gateways of a server with these settings."""
    async with aiohttp.ClientSession() as session:
        return gateways(load(**settings), session, simulated)


async def all_of_them() -> dict[str, Gateway]:
    """One of each kind, one that is described, and the simulator."""
    settings = {name: value for kind in KINDS for name, value in given(kind).items()}
    return await configured(simulated=True, gateways={"pigeon": DESCRIBED}, **settings)


async def test_all_are_there_in_the_usual_order() -> None:
    found = await all_of_them()
    assert list(found) == NAMES and len({*NAMES}) == len(NAMES)
    assert [gateway.name for gateway in found.values()] == NAMES


@pytest.mark.parametrize("name", NAMES)
async def test_each_has_a_title_a_secret_a_pace_and_methods(name: str) -> None:
    gateway = (await all_of_them())[name]
    assert gateway.title and gateway.secret == ("demo" if name == "simulator" else "s" * 16)
    assert (gateway.answer, gateway.per_second) == (("ACK", 5) if name == "pigeon" else ("", 0))
    assert {*gateway.methods} <= {"GET", "POST"} and gateway.sends(False)


async def test_none_is_met_by_more_at_once_than_its_door_has_room_for() -> None:
    at_once = {name: gateway.at_once for name, gateway in (await all_of_them()).items()}
    assert at_once.items() >= {"africastalking": 512, "kannel": 16, "pigeon": 32, "simulator": 512}.items()
    slow = DESCRIBED | {"at_once": 2}
    found = await configured(gateways={"pigeon": slow}, kannel_at_once=4, **given(Kannel))
    assert (found["kannel"].at_once, found["pigeon"].at_once) == (4, 2)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", CALLBACKS)
async def test_a_callback_that_it_does_not_have_or_that_says_nothing_is_refused(name: str, kind: str) -> None:
    gateway = (await all_of_them())[name]
    with pytest.raises(BadCallback) as refused:
        getattr(gateway, f"parse_{kind}")(gateway.read(Callback("POST", b"", "", b"")))
    if getattr(type(gateway), f"parse_{kind}") is getattr(Gateway, f"parse_{kind}"):
        assert str(refused.value) == f"{gateway.title} {CALLBACKS[kind]}"


async def test_only_in_the_demo_world_the_simulator_may_be_called() -> None:
    assert (await configured())["simulator"].secret == ""


# What every kind has that is registered.


@KIND
def test_a_kind_has_a_file_and_a_table_test_of_its_name(kind: type[BaseGateway]) -> None:
    assert kind.__module__ == f"bot.gateways.{kind.name}"
    assert Path(__file__).with_name(f"test_{kind.name}.py").exists()
    assert re.fullmatch("[a-z]+", kind.name)


@KIND
def test_its_settings_are_described_and_stand_in_the_reference(kind: type[BaseGateway]) -> None:
    assert kind.Settings.needed and kind.Settings.demo["secret"] == "demo"
    for name, field in kind.Settings.model_fields.items():
        assert field.description and field.default is not ..., name
        assert Config.model_fields[f"{kind.name}_{name}"].default == field.default, name
        assert f"| `MWANGA_{kind.name.upper()}_{name.upper()}` |" in REFERENCE.read_text(), name
        if re.search("secret|password|key|token", name):
            assert field.annotation is SecretStr, f"{name} would be shown"


@KIND
def test_its_settings_come_from_the_environment_and_from_the_file(
    kind: type[BaseGateway], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{kind.name}_{field}" for field in kind.Settings.needed]
    Path("mwanga.toml").write_text("".join(f'{name} = "https://file.example.org"\n' for name in names))
    monkeypatch.setenv(f"MWANGA_{names[0].upper()}", "https://environment.example.org")
    told = load().of_gateways[kind]
    assert getattr(told, kind.Settings.needed[0]) == "https://environment.example.org"
    assert all(getattr(told, field) for field in kind.Settings.needed)


@KIND
def test_it_is_configured_whole_or_not_at_all(kind: type[BaseGateway]) -> None:
    people = {"secret_key": "s" * 32, "help_phone": "+255700000000"}
    prefix = f"MWANGA_{kind.name.upper()}_"
    assert load(**people, **given(kind), route=kind.name).problems() == []
    assert load(**people, route="phones").problems() == []
    for field in kind.Settings.needed if len(kind.Settings.needed) > 1 else ():
        [missing] = load(**people, **given(kind) | {f"{kind.name}_{field}": ""}).problems()
        assert re.fullmatch(rf"{prefix}.* go together; one is missing\.", missing), missing
    [open_door] = load(**people, **given(kind) | {f"{kind.name}_secret": "s" * 15}).problems()
    assert open_door == f"{prefix}SECRET needs 16 characters or more: it guards the callbacks."
    [unknown] = load(**people, route=f"phones,{kind.name}").problems()
    assert unknown == f"MWANGA_ROUTE names {kind.name}, which is not configured."


@KIND
async def test_it_is_made_only_when_it_is_configured(kind: type[BaseGateway]) -> None:
    assert list(await configured(**given(kind))) == [kind.name, "simulator"]
    assert list(await configured(**{f"{kind.name}_secret": "s" * 16})) == ["simulator"]


@KIND
def test_the_demo_world_has_a_secret_for_its_callbacks(kind: type[BaseGateway]) -> None:
    assert demo_world(load()).of_gateways[kind].secret.get_secret_value() == "demo"
    ours = demo_world(load(**{f"{kind.name}_secret": "ours"}))
    assert ours.of_gateways[kind].secret.get_secret_value() == "ours"


@KIND
def test_no_other_gateway_may_have_its_name(kind: type[BaseGateway]) -> None:
    [problem] = load(gateways={kind.name: DESCRIBED}).described[1]
    assert problem == f"gateways.{kind.name}: the name is taken by a gateway of our own."


# The wire.


def test_every_status_has_an_error_that_the_office_can_read() -> None:
    named = {wire.http_error(status) for status in range(100, 600)}
    assert named - {""} <= ERRORS.keys() and [wire.http_error(status) for status in (200, 201, 204)] == ["", "", ""]
