"""Agents, customers and office users: who they are, and their PINs."""
