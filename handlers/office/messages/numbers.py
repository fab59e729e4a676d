"""Numbers in addresses and hidden fields."""


def number_from(given: str, otherwise: int) -> int:
    """A number of an address; `otherwise` for what is none."""
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else otherwise
