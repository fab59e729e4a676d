"""Customers: registered, searched, numbered."""
