"""Agents, customers and office users: who they are, and their PINs."""

from models.people.callers import Caller, Role, find_callers
from models.people.tables import Agent, Customer, Gender, MiniGrid, OfficeRole, OfficeUser, Village

__all__ = [
    "Agent",
    "Caller",
    "Customer",
    "Gender",
    "MiniGrid",
    "OfficeRole",
    "OfficeUser",
    "Role",
    "Village",
    "find_callers",
]
