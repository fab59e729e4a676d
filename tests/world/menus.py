"""The lines of a menu by their labels, so that no test depends on the order of a menu."""

import re
from collections.abc import Awaitable, Callable

from bot.talks.listing import MORE


def number(screen: str, label: str) -> str | None:
    """The number of the choice that has this label on a screen."""
    found = re.search(rf"^(\d+)\. {re.escape(label)}$", screen, re.MULTILINE)
    return found[1] if found else None


async def way(screen: str, label: str, enter: Callable[[str], Awaitable[str]]) -> list[str]:
    """What leads to the choice that has this label: "more" until it shows, which is pressed here, then its number,
    which is not."""
    pressed: list[str] = []
    while (found := number(screen, label)) is None:
        assert f"\n{MORE}. " in screen, f"no choice says {label}: {screen}"
        screen = await enter(MORE)
        pressed.append(MORE)
    return [*pressed, found]
