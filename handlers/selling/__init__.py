"""Talks about money: buy, pay, sell, stock, plans, sales, tokens, and what their receipts say."""
