"""The register of talks: who may start each, by which words, and what menus and help say of it."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA

from bot.message import Reply
from bot.talks.meanings import Meanings
from bot.talks.state import Asked
from bot.text import Text, plain_word, verbatim
from bot.text.grammar import unglued
from models.people import Caller, Role

NO_ARGUMENTS = verbatim("")
Words = Mapping[str, tuple[str, ...]]  # keywords by language, of which English always has one
Run = Callable[[Any], Awaitable[Reply]]  # of a Chat, which knows this file
# Of a Turn, which knows this file, the pieces of a text and the text.
Claims = Callable[[Any, Sequence[str], str], Awaitable[list[str] | Text | None]]
ShownTo = Callable[[Any], bool]  # of a Turn, which knows this file
AskedOf = Callable[[Caller, str], Awaitable[Asked | None]]
# From a text without a keyword, and what was answered to the same talk's open question before: the answers that are in
# it; None when it is not for the talk after all.
ArgumentsOf = Callable[[Caller, str, Sequence[Sequence[Any]]], Awaitable[list[str] | None]]


async def no_arguments(_caller: Caller, _text: str, _before: Sequence[Sequence[Any]]) -> list[str]:
    """The talk needs nothing of the text."""
    return []


class Keyword(Text):
    """A word that starts a talk, within a sentence: in the language in which that is said, in English where it has none
    of its own. Of several it is the first."""

    words: Words

    def __init__(self, words: Words) -> None:
        super().__init__(words["en"][0])
        object.__setattr__(self, "words", words)

    @property
    def is_fixed(self) -> bool:
        return False

    def to(self, language: str) -> str:
        return self.words.get(language, self.words["en"])[0]


class Found(NamedTuple):
    """A command in a line: the talk, the language of its keyword, and the pieces behind that."""

    talk: "Talk"
    language: str
    arguments: list[str]


@dataclass(frozen=True, kw_only=True)
class Talk:
    """One conversation: who may start it and how, and what menus and help say of it. decorator.py makes it."""

    name: str
    run: Run
    roles: frozenset[Role]
    words: Words  # of each language the first is the one that help shows
    menu: Text | None  # its line in the menus of `menu_for`
    menu_for: frozenset[Role]
    menu_if: ShownTo | None  # which of them it is for; None: all
    usage: Text  # what follows the keyword
    example: Text | None  # a real one
    nothing: Text | None  # what to say when it ends without effect
    reads: bool  # whether it changes nothing: then a question of another talk stays open beside it
    secret: bool  # whether a PIN stands behind the keyword
    when_locked: bool  # whether an agent who is locked may start it
    commas: bool  # a comma separates the pieces of one line, where there is one
    open_minutes: int  # for so long a question stays open by SMS
    drafts: bool  # what was begun is kept, for drafts.py to offer again
    claims: Claims | None  # looks at a text without a keyword: its arguments if it is meant for this, or how to say so
    find_question: AskedOf | None  # finds what somebody else's talk asked a caller, who answers with that text alone
    at_once: bool  # whether one line of it has its effect, with no question before it
    gives_way: bool  # a line of it that names no device is for such a question of another talk, where one is put
    kinds: frozenset[str]  # of texts without a keyword that it answers (bot/talks/meanings.py)
    arguments: ArgumentsOf  # what such a text answers already
    suggested: bool  # whether its keywords are proposed for close words

    @property
    def keyword(self) -> Keyword:
        """The word to print."""
        return Keyword(self.words)


class Commands:
    """All talks in the order in which menus show them."""

    def __init__(self, talks: Iterable[Talk], meanings: Meanings | None = None) -> None:
        self.talks = list(talks)
        self.by_name = {one.name: one for one in self.talks}
        self._of_role = {role: [one for one in self.talks if role in one.roles] for role in Role}
        self._meanings = meanings or Meanings()
        self._by_word: dict[Role, dict[str, tuple[Talk, str]]] = {role: {} for role in Role}
        self._by_kind: dict[Role, dict[str, Talk]] = {role: {} for role in Role}
        for one in self.talks:
            for role in one.roles:
                self._learn(role, one)
                self._learn_kinds(role, one)
        self._printed = {role: dict(words) for role, words in self._by_word.items()}

    def learn_synonyms(self, synonyms: Iterable[tuple[str, str, str]]) -> None:
        """Take these words (word, language, keyword) for the printed keywords that they stand for, and no others that
        were learnt before. A word that a newer version prints itself means what is printed."""
        for role in Role:
            words = dict(self._printed[role])
            for word, language, keyword in synonyms:
                if found := self._printed[role].get(plain_word(keyword)):
                    words.setdefault(plain_word(word), (found[0], language))
            self._by_word[role] = words

    def printed(self) -> set[str]:
        """All keywords that are printed, in every language, as keywords are compared."""
        return {word for words in self._printed.values() for word in words}

    def _learn(self, role: Role, one: Talk) -> None:
        for language, words in one.words.items():
            for word in map(plain_word, words):
                known = self._by_word[role].setdefault(word, (one, language))
                if known[0] is not one:
                    raise ValueError(f"{word} would start both {known[0].name} and {one.name}")

    def _learn_kinds(self, role: Role, one: Talk) -> None:
        for kind in one.kinds:
            if self._by_kind[role].setdefault(kind, one) is not one:
                raise ValueError(f"{kind} would be answered by both {self._by_kind[role][kind].name} and {one.name}")

    def meant(self, text: str, role: Role) -> Iterator[tuple[Talk, str, str]]:
        """The talks that may be meant by a normalised text in which no keyword stands first, the likeliest first: each
        with the kind of text it is and the language of its words."""
        known = self._by_kind[role]
        for kind, language in self._meanings.find(text) if known else ():
            if kind in known:
                yield known[kind], kind, language

    def language_of(self, text: str) -> str:
        """The language of the words that say what a text is about; empty where none do."""
        return next((language for _kind, language in self._meanings.find(text)), "")

    def for_role(self, role: Role) -> list[Talk]:
        return self._of_role[role]

    def menu(self, role: Role, turn: Any = None) -> list[tuple[str, Text]]:
        """The talks in the menu of this role, by name and with what the menu says of each: those of all who have it,
        and with the `turn` of somebody those that are for him."""
        of_role = [(one, one.menu) for one in self.talks if one.menu and role in one.menu_for]
        return [(one.name, line) for one, line in of_role if one.menu_if is None or (turn and one.menu_if(turn))]

    def find(self, word: str, role: Role) -> tuple[Talk, str] | None:
        """The talk that this word starts for this role, and the language the word is of."""
        return self._by_word[role].get(plain_word(word))

    def find_spelt(self, pieces: Sequence[str], role: Role) -> Found | None:
        """The command that a line begins with, however its keyword is written: as two words (top up), with a hyphen, or
        glued to the number behind it (BUY500)."""
        for word, *arguments in _ways_to_spell(*pieces):
            if found := self.find(word, role):
                return Found(*found, arguments)
        return None

    def among(self, names: Mapping[str, Collection[str]], role: Role) -> list[str]:
        """The names of choices that begin with a keyword of this role, as keywords are compared."""
        spelt = {plain_word(name) for several in names.values() for name in several}
        return sorted(name for name in spelt if self.find(name.partition(" ")[0], role))

    def for_others(self, word: str, role: Role) -> bool:
        """Whether the word starts a talk, but not for this role."""
        return any(plain_word(word) in words for other, words in self._by_word.items() if other is not role)

    def suggest(self, word: str, role: Role, language: str) -> str | None:
        """The keyword that was probably meant: one slip away, four letters or more, or the only one of three; of this
        language, or English, which all may have seen. None that ends something is proposed by mistake."""
        word = plain_word(word)
        proposed = [
            plain_word(each)
            for one in self.for_role(role)
            if one.suggested
            for each in {*one.words.get(language, ()), *one.words["en"]}
        ]
        close = [known for known in proposed if len(known) >= 3 and OSA.distance(word, known) == 1]
        longer = [known for known in close if len(known) >= 4]
        if longer:
            return longer[0]
        return close[0] if len({*close}) == 1 else None

    def words(self, name: str) -> list[str]:
        """All keywords of one talk, in every language."""
        return [word for words in self.by_name[name].words.values() for word in words]


def _ways_to_spell(first: str, *rest: str) -> Iterator[list[str]]:
    """The keyword that a line may begin with, and the pieces behind it."""
    if rest and first.isalpha() and rest[0].isalpha():
        yield [first + rest[0], *rest[1:]]
    yield [first, *rest]
    if "-" in first:
        yield [first.replace("-", ""), *rest]
    yield from unglued([first, *rest])
