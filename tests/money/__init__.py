"""The ledger, what the database guards of it, and the checks of the books."""
