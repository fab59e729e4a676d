"""STS meters: the vending key that their keys are made from, and new ones that are not in stock."""

from models.devices.tables import Device, Kind
from models.settings import Setting
from models.tokens import Key
from models.vault import Vault

VENDING_KEY = "vending key"


async def keep_vending_key(key: Key, vault: Vault) -> None:
    """Store the key of the supply group, sealed: meters registered from now on get theirs from it."""
    await Setting.update_or_create({"value": vault.seal_json(dict(key), VENDING_KEY)}, name=VENDING_KEY)


async def has_vending_key() -> bool:
    return await Setting.exists(name=VENDING_KEY)


async def new_meter(serial: str, vault: Vault) -> Device:
    """A meter without an owner, with the key of the supply group."""
    setting = await Setting.get(name=VENDING_KEY)
    key = vault.open_json(setting.value, VENDING_KEY)
    return await Device.create(
        serial=serial, kind=Kind.METER, issuer="sts", sealed_key=vault.seal_json(key, f"device {serial}")
    )
