"""Talks about customers: register them, list them, find one; and the office changes a customer's phone."""
