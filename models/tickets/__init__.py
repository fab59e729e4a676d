"""Tickets: opened, given to somebody, answered, closed."""
