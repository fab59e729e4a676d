"""Talks about problems: report one, follow it, say that it is fixed; and who is told."""
