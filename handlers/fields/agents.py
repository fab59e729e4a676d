"""How somebody names an agent of the own mini-grid: a phone in any spelling, its end, or a name."""

from collections.abc import Sequence
from contextlib import suppress

from bot.talks import Field, Invalid, PhoneNumber, Turn, echo
from bot.text import Text, _, numbers, shorten, verbatim
from models.devices import TAIL
from models.names import folded
from models.people import Agent

FEWEST_LETTERS = 3  # of the beginning of a name
MOST_WORDS = 4
LONGEST_LABEL = 20  # septets of a name on a list


class AgentHere(Field[Agent]):
    """An agent of the caller's mini-grid. Recorded are the ids of those who fit."""

    name = "agent"

    async def read(self, turn: Turn, answer: str) -> list[int]:
        found = await _fitting(turn, answer)
        if not found:
            raise Invalid(_("No agent {answer} here.", answer=echo(answer)))
        return [agent.id for agent in found]

    async def labels(self, turn: Turn, recorded: list[int]) -> list[tuple[str, Text]]:
        if len(recorded) < 2:
            return []
        agents = await Agent.filter(id__in=recorded).order_by("name", "id")
        return [(str(one.id), verbatim(f"{shorten(one.name, LONGEST_LABEL)} ..{one.phone[-TAIL:]}")) for one in agents]

    async def find(self, turn: Turn, recorded: list[int] | str) -> Agent:
        wanted = int(recorded) if isinstance(recorded, str) else recorded[0]
        agent = await Agent.get_or_none(id=wanted, mini_grid_id=turn.agent.mini_grid_id, retired_at=None)
        if agent is None:
            turn.start_over()
        return agent

    async def pieces(self, turn: Turn, pieces: Sequence[str]) -> int:
        """The most words that are somebody's name, or a number in groups."""
        words = next((n for n, piece in enumerate(pieces) if not piece.isalpha()), len(pieces))
        for count in range(min(words, MOST_WORDS), 1, -1):
            if await _fitting(turn, " ".join(pieces[:count])):
                return count
        return 1 if words else await PhoneNumber(self.prompt).pieces(turn, pieces)


async def _fitting(turn: Turn, answer: str) -> list[Agent]:
    """Who goes by this number, by its end, or by these words of a name."""
    agents = await Agent.filter(mini_grid_id=turn.agent.mini_grid_id, retired_at=None).order_by("id")
    if any(map(str.isalpha, answer)):
        words = folded(answer).split()
        return [agent for agent in agents if _goes_by(agent, words)]
    with suppress(ValueError):
        number = numbers.parse(answer, turn.company.country)
        return [agent for agent in agents if agent.phone == number]
    digits = "".join(filter(str.isdecimal, answer))
    return [agent for agent in agents if len(digits) >= TAIL and agent.phone.endswith(digits)]


def _goes_by(agent: Agent, words: Sequence[str]) -> bool:
    own = folded(agent.name).split()
    return bool(words) and all(
        word in own or (len(word) >= FEWEST_LETTERS and any(each.startswith(word) for each in own)) for word in words
    )
