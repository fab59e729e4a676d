"""Talks about oneself: balance, cash, statement, PIN, lock, language, STOP; and the office takes an agent's cash."""
