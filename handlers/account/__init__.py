"""Talks about oneself: balance, cash, statement, PIN, lock, language, STOP."""
