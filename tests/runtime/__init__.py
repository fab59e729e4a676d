"""Tests of what any server needs."""
