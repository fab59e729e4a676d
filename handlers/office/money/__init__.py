"""The pages of money: what was sold and paid, what waits for somebody, what two people decide, and the books."""

from handlers.office.money import (
    claims,
    close,
    collection,
    days,
    decisions,
    handins,
    payments,
    pushes,
    receipts,
    reconcile,
    sales,
    suspense,
    wallets,
)

# Each adds its pages.
PAGES = (
    *(days, sales, payments, suspense, pushes, receipts, handins, decisions, wallets, claims, reconcile, close),
    collection,
)
