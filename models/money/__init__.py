"""Money itself: the ledger it is booked in, payments that come in, wallets, the till, hand-ins and claims."""
