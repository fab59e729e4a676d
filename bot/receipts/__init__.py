"""Receipt texts: an operator's confirmations, as gateway phones get them, read by rules that people can write."""

from bot.receipts.desk import Book, Heard, Receipts

__all__ = ["Book", "Heard", "Receipts"]
