"""Characters that do something instead of showing something: to a terminal, to a spreadsheet, to who reads a line."""

import re

# C0, DEL and C1, which steer terminals; and the marks that turn the direction of a line, so that it shows other words
# than it has.
_BREAK = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def without_controls(text: str) -> str:
    """A text without them, on one line: what broke the line is a space."""
    return _CONTROL.sub("", _BREAK.sub(" ", text))
