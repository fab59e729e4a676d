"""Agents, customers and office users: who they are, and their PINs."""

from models.people.callers import Caller, Role, find_callers
from models.people.tables import Agent, Customer, MiniGrid, OfficeRole, OfficeUser, Village

__all__ = [
    "Agent",
    "Caller",
    "Customer",
    "MiniGrid",
    "OfficeRole",
    "OfficeUser",
    "Role",
    "Village",
    "find_callers",
]
