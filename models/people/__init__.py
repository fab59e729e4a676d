"""Agents, customers and office users: who they are, and their PINs."""

from models.people.callers import Caller, Role, find_callers
from models.people.tables import Agent, Customer, MiniGrid, OfficeUser, Village

__all__ = [
    "Agent",
    "Caller",
    "Customer",
    "MiniGrid",
    "OfficeUser",
    "Role",
    "Village",
    "find_callers",
]
