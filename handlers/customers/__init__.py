"""Talks about customers: register them, list them, find one."""
