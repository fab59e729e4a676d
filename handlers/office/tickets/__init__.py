"""What customers report, and what becomes of it."""
