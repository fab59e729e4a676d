"""What the office sets while servers run: the company, phones and gateways, prices, texts, limits, backups."""
