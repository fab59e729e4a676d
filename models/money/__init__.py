"""Prices, payments, sales, contracts, hand-ins, and the ledger that they are booked in."""

from models.money.catalogue import Appliance, PaymentPlan, Terms
from models.money.contracts import Contract, contracts_of
from models.money.instalments import Due, Period, total_left
from models.money.payable import Payable
from models.money.sales import Sale

__all__ = [
    "Appliance",
    "Contract",
    "Due",
    "Payable",
    "PaymentPlan",
    "Period",
    "Sale",
    "Terms",
    "contracts_of",
    "total_left",
]
