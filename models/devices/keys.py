"""The secret of a device: sealed in its row, opened where a token is made or measured."""

from models.devices.tables import Device
from models.tokens import ISSUERS, Key
from models.vault import Vault


def seal_key(serial: str, key: Key, vault: Vault) -> str:
    """As the row of the device with this serial keeps it: it opens for no other serial."""
    return vault.seal_json(dict(key), _purpose(serial))


def open_key(device: Device, vault: Vault) -> Key:
    """Raises Sealed."""
    key: Key = vault.open_json(device.sealed_key, _purpose(device.serial))
    return key


def most_units(device: Device, vault: Vault) -> int:
    """What one token of this device can carry: its divider is sealed with its key. Raises Sealed."""
    return ISSUERS[device.issuer].most(open_key(device, vault))


def _purpose(serial: str) -> str:
    return f"device {serial}"
