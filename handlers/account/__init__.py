"""Talks about oneself: balance, cash, statement, PIN, lock, language, STOP; and hand-ins, seen by both sides."""
