"""Prices, payments, sales, contracts, hand-ins, and the ledger that they are booked in."""
