"""Signing in and out, and who signs in."""
