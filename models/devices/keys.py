"""The secret of a device: sealed in its row, opened where a token is made or measured."""

from models.devices.tables import Device
from models.sql import unit_of_work
from models.tokens import ISSUERS, Key
from models.vault import Vault

PORTION = 500  # devices that are held in memory at a time


def seal_key(serial: str, key: Key, vault: Vault) -> str:
    """As the row of the device with this serial keeps it: it opens for no other serial."""
    return vault.seal_json(dict(key), _purpose(serial))


def open_key(device: Device, vault: Vault) -> Key:
    """Raises Sealed. Within a unit of work it is opened once and kept to the end: a sale asks for it at each step."""
    opened = unit.seen if (unit := unit_of_work()) else {}
    sealed = vault, device.serial, device.sealed_key
    if sealed not in opened:
        opened[sealed] = open_one_of_many(device, vault)
    key: Key = opened[sealed]
    return key


def open_one_of_many(device: Device, vault: Vault) -> Key:
    """The same, and nothing is kept. Raises Sealed."""
    key: Key = vault.open_json(device.sealed_key, _purpose(device.serial))
    return key


def most_units(device: Device, vault: Vault) -> int:
    """What one token of this device can carry: its divider is sealed with its key. Raises Sealed."""
    return ISSUERS[device.issuer].most(open_key(device, vault))


async def reseal_keys(vault: Vault) -> int:
    """Put the keys of all devices under the vault's key: how many there were under the former one. In the caller's unit
    of work. Raises Sealed."""
    changed, last = 0, 0
    while devices := await Device.filter(id__gt=last).order_by("id").limit(PORTION):
        last = devices[-1].id
        under_former = [device for device in devices if not vault.has_made(device.sealed_key)]
        for device in under_former:
            device.sealed_key = vault.reseal(device.sealed_key, _purpose(device.serial))
        if under_former:
            await Device.bulk_update(under_former, ["sealed_key"])
        changed += len(under_former)
    return changed


def _purpose(serial: str) -> str:
    return f"device {serial}"
