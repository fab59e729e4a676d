"""Money itself: the ledger it is booked in, payments that come in, statements, wallets, the till, hand-ins, claims."""
