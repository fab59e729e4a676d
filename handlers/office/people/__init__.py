"""Customers at the office's desk: find them, list them, see all of one, change it, and move their devices."""
