"""Receipt texts: an operator's confirmations, as gateway phones get them, read by rules that people can write."""

from bot.receipts.desk import Book, Heard, Receipts
from bot.receipts.reading import Found, understand
from bot.receipts.rules import BadRule, list_rules

__all__ = ["BadRule", "Book", "Found", "Heard", "Receipts", "list_rules", "understand"]
