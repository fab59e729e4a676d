"""Agents at the desk: who holds how much, what they handed in and sold, and what the office does with them."""
