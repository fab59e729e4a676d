"""A text as it is let in: what no phone shows is left out, and what is longer than any text is cut."""

LONGEST = 1_600  # characters; ten SMS, and more than anybody writes

# ISO 6429: C0 and C1 control characters steer terminals. Those that part words become a space.
_CONTROL = {*range(0x20), *range(0x7F, 0xA0)} - set(map(ord, "\t\n\r"))
_PARTING = set(map(ord, "\v\f\x1c\x1d\x1e\x1f\x85"))
_SHOWN = {code: " " if code in _PARTING else None for code in _CONTROL}


def shown(text: str) -> str:
    """The text without control characters, NUL among them, which PostgreSQL cannot store. Tabs and line ends stay."""
    return text if text.isprintable() else text.translate(_SHOWN)
