"""What the office sets while the server runs."""
