"""What a payer means who writes an account: a serial, the number of a sale, or a phone, in any spelling."""

import re

from models.devices import Device, devices_of
from models.devices.tables import find_anywhere
from models.money.receiving import Why
from models.people import Customer
from models.rows import find_rows
from models.selling.contracts import contract_numbered, contracts_of, takes_money
from models.selling.payable import Payable, PayableDevice, paid_by

SALE = re.compile(r"S[-.]?([1-9][0-9O]{3,8})")


async def find_by_account(typed: str, phone: str = "") -> Payable | Why:
    """What the account names: the device or the sale that is written so, else the only one that is nearly written so;
    else the only device of the only customer with this `phone` (E.164; empty where what was typed is none). Why there
    is no such one otherwise: NOBODY or SEVERAL."""
    exact = "".join(typed.upper().split())
    devices = await find_anywhere(typed) if exact else []
    if len(devices) == 1 and devices[0].serial == exact:
        return PayableDevice(devices[0])
    if (sale := SALE.fullmatch(exact)) and (signed := await contract_numbered(sale[1].replace("O", "0"))):
        return await paid_by(signed)
    if devices:
        return PayableDevice(devices[0]) if len(devices) == 1 else Why.SEVERAL
    return await _of_phone(phone) if phone else Why.NOBODY


async def _of_phone(phone: str) -> Payable | Why:
    customers = await find_rows(Customer, "phone = $1 LIMIT 2", [phone])
    if not customers:
        return Why.NOBODY
    devices: list[Device] = await devices_of(customers)
    if len(devices) > 1:
        contracts = await contracts_of(customers)
        devices = [one for one in devices if takes_money(one, contracts)]
    return PayableDevice(devices[0]) if len(customers) == len(devices) == 1 else Why.SEVERAL
