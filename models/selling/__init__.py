"""What is sold and who pays: prices, quotes, sales, contracts, who is asked, what changes hands or is taken back."""

from models.selling.catalogue import Appliance, PaymentPlan, Terms
from models.selling.contracts import Contract, contracts_of
from models.selling.instalments import Due, Period, total_left
from models.selling.payable import Payable
from models.selling.sales import Sale

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
