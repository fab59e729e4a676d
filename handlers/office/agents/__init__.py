"""Agents at the desk: who holds how much, what they handed in and sold, and what the office does with them."""

from handlers.office.agents import cash, change, listed, new, show, standing  # noqa: F401 - each adds its pages
