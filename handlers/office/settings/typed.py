"""What comes in addresses and hidden fields: ours as a rule, and anybody's to change."""

LONGEST = 18  # digits: what every column holds


def read_number(typed: str) -> int:
    """A whole number; 0 for what is none."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= LONGEST else 0


def read_place(typed: str) -> int | None:
    """A place in a list, from 0 on; None for what is none."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= LONGEST else None
