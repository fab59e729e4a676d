"""Who changed what, and when: `mwanga audit`."""

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any

import typer

from bot.cli.dates import Since, Until, read_dates
from bot.cli.prompt import load_config, open_database, perform
from bot.company import Company
from bot.text import numbers
from bot.text.controls import without_controls
from models.audit import change_of, read_notes

LAST = 50


def audit(
    words: Annotated[str, typer.Argument(help="only notes that have this in them: a name, a number, an action")] = "",
    since: Since = None,
    until: Until = None,
    last: Annotated[int, typer.Option(min=1, help="the newest of them, so many at most")] = LAST,
) -> None:
    """Show who changed what and when, the newest last."""

    async def work() -> None:
        newest: deque[str] = deque(maxlen=last)
        async with open_database(load_config()) as (_database, company):
            spellings = [words.casefold()]
            with suppress(ValueError):
                spellings.append(numbers.parse(words, company.country))
            dates = read_dates(since, until, company.zone)
            async for note in read_notes(*dates.utc):
                line = _line(note, company)
                if any(each in line.casefold() for each in spellings):
                    newest.append(line)
        for line in newest:
            typer.echo(line)

    perform(work())


def _line(note: Mapping[str, Any], company: Company) -> str:
    at = note["created_at"].astimezone(company.zone)
    said = (
        f"{at:%Y-%m-%d %H:%M:%S}",
        note["actor"],
        note["action"],
        note["subject"],
        change_of(note),
        note["whence"] and f"from {note['whence']}",
    )
    return without_controls(" | ".join(filter(None, said)))
