"""Tickets: what is open and whose work it is, one with its history, a new one for a caller, how long closing takes."""
