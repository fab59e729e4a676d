"""`@talk` makes a talk of a function that asks."""

from collections.abc import Callable, Iterable

from bot.talks.commands import (
    NO_ARGUMENTS,
    ArgumentsOf,
    AskedOf,
    Claims,
    Run,
    ShownTo,
    Talk,
    Words,
    no_arguments,
)
from bot.text import Text, verbatim
from models.people import Role


def talk(  # noqa: PLR0913 - all that a talk says of itself, in one place
    name: str,
    *,
    roles: Iterable[Role],
    words: Words,
    usage: Text = NO_ARGUMENTS,
    example: Text | str = "",
    menu: Text | None = None,
    menu_for: Iterable[Role] | None = None,
    menu_if: ShownTo | None = None,
    nothing: Text | None = None,
    reads: bool = False,
    secret: bool = False,
    when_locked: bool = False,
    commas: bool = False,
    open_minutes: int = 10,
    drafts: bool = False,
    claims: Claims | None = None,
    find_question: AskedOf | None = None,
    at_once: bool = False,
    gives_way: bool = False,
    kinds: Iterable[str] = (),
    arguments: ArgumentsOf = no_arguments,
    suggested: bool = True,
) -> Callable[[Run], Talk]:
    """Make a talk of a function that asks. The menus of all who may start it show it, unless told otherwise; an
    example that has words in it is a sentence to translate."""

    def register(run: Run) -> Talk:
        shown = verbatim(example) if isinstance(example, str) else example
        return Talk(
            name=name,
            run=run,
            roles=frozenset(roles),
            words=words,
            menu=menu,
            menu_for=frozenset(roles if menu_for is None else menu_for),
            menu_if=menu_if,
            usage=usage,
            example=shown if example else None,
            nothing=nothing,
            reads=reads,
            secret=secret,
            when_locked=when_locked,
            commas=commas,
            open_minutes=open_minutes,
            drafts=drafts,
            claims=claims,
            find_question=find_question,
            at_once=at_once,
            gives_way=gives_way,
            kinds=frozenset(kinds),
            arguments=arguments,
            suggested=suggested,
        )

    return register
