"""STS meters: the vending key that their keys are made from, and new ones that are not in stock."""

from datetime import UTC, datetime
from typing import Any

from models.audit import record
from models.devices.keys import seal_key
from models.devices.tables import Device, Kind
from models.rows import find_row
from models.settings import Setting
from models.tokens import Key
from models.tokens.sts import TEST_VENDING_KEY, VendingKey, check_in_use, derive_key, meter_number
from models.vault import Vault

VENDING_KEY = "vending key"


class NoVendingKey(Exception):
    """The text says in a sentence which part of the key is wrong."""


class PublishedKey(Exception):
    """The key is the published one for tests: everybody can make tokens with it."""


async def change_vending_key(
    secret: str, *, sgc: str, krn: int, tariff_index: int, base_year: int, vault: Vault, actor: str
) -> None:
    """Store the key of a supply group, `secret` in hexadecimal digits, and note who did it, in the caller's
    transaction. Raises NoVendingKey and PublishedKey."""
    try:
        key = VendingKey(sgc=sgc, krn=krn, secret=bytes.fromhex(secret))
        derive_key(key, meter_number("00", "00000000"), tariff_index=tariff_index, base_year=base_year)
        check_in_use(base_year, datetime.now(UTC))
    except ValueError as error:
        raise NoVendingKey(str(error)) from error
    if key.secret == TEST_VENDING_KEY.secret:
        raise PublishedKey
    stored: Key = {"sgc": sgc, "krn": krn, "ti": tariff_index, "base_year": base_year, "secret": key.secret.hex()}
    await keep_vending_key(stored, vault)
    await record(actor, VENDING_KEY, sgc, f"krn {krn}, tariff index {tariff_index}, base year {base_year}")


async def keep_vending_key(key: Key, vault: Vault) -> None:
    """Store the key of the supply group, sealed: meters registered from now on get theirs from it."""
    await Setting.update_or_create({"value": vault.seal_json(dict(key), VENDING_KEY)}, name=VENDING_KEY)


async def reseal_vending_key(vault: Vault) -> int:
    """Put the supply group's key under the vault's key: 1 when it was under the former one. Raises Sealed."""
    setting = await Setting.get_or_none(name=VENDING_KEY)
    if setting is None or vault.has_made(setting.value):
        return 0
    await Setting.filter(name=VENDING_KEY).update(value=vault.reseal(setting.value, VENDING_KEY))
    return 1


async def has_vending_key() -> bool:
    return await _kept_key() is not None


async def _kept_key() -> Setting | None:
    return await find_row(Setting, "name = $1", [VENDING_KEY])


async def has_published_key(vault: Vault) -> bool:
    """Whether the vending key is the one for tests, with which everybody can make tokens."""
    setting = await Setting.get_or_none(name=VENDING_KEY)
    if setting is None:
        return False
    return bool(vault.open_json(setting.value, VENDING_KEY)["secret"] == TEST_VENDING_KEY.secret.hex())


async def new_meter(serial: str, vault: Vault) -> Device:
    """A meter without an owner, with the key of the supply group. Raises NoVendingKey."""
    return await Device.create(**await columns_of_new(serial, vault))


async def columns_of_new(serial: str, vault: Vault) -> dict[str, Any]:
    """The same, to be added by the caller. Raises NoVendingKey."""
    kept = await _kept_key()
    if kept is None:
        raise NoVendingKey("There is no vending key.")
    sealed = seal_key(serial, vault.open_json(kept.value, VENDING_KEY), vault)
    return {"serial": serial, "kind": Kind.METER.value, "issuer": "sts", "sealed_key": sealed, "count": 0}
