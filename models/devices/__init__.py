"""What accepts tokens: devices, their tariffs and models, meters and their connections."""

from models.devices.tables import (
    LONGEST,
    TAIL,
    Device,
    DeviceModel,
    DeviceNotFound,
    Kind,
    Tariff,
    Unit,
    devices_of,
    with_owner,
)

__all__ = [
    "LONGEST",
    "TAIL",
    "Device",
    "DeviceModel",
    "DeviceNotFound",
    "Kind",
    "Tariff",
    "Unit",
    "devices_of",
    "with_owner",
]
