"""Questions of a sale that were answered before another copy of them went: the outbox keeps them so."""

WITHDRAWN = """(kind = 'reply' AND state = 'expired' AND error = 'answered' AND tries > 0
  AND (text LIKE 'Sell %' OR text LIKE 'Uza %'))"""
