"""Stars out what may be a PIN, between the wire and the first stored copy of a message.

It works on the form alone, before anything is understood: rather a starred amount than a stored PIN.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

from bot.text.grammar import plain_word
from bot.text.gsm import plain

# All patterns see the text in lower-case plain ASCII; a gap is whatever is neither letter nor digit.
_GAP = "[^a-z0-9]"
_SLIP = r"(?:[^\w\s]|_)*"
# Glued to letters, six digits are a serial (EB100042) or an amount (KES100000).
_DIGIT = re.compile("[0-9]")
_SIX_ALONE = re.compile("(?<![a-z0-9])[0-9]{6}(?![a-z0-9])")
# "1482915" or "1482 915": a yes without its space. A mistyped PIN has 4 to 8 digits.
_PIN_GLUED = f"(?=[0-9]{{4,8}}(?![0-9])|(?:{_GAP}*[0-9]){{4,8}}(?!{_GAP}*[0-9]))"
# A phone number in one piece has 9 to 13 digits, two more after 00; with more, a PIN may be glued to its end.
_PHONE = "(?<![0-9])(?:00)?[0-9]{9,13}(?![a-z0-9])"
# In pieces it begins with + or 0, no piece is as long as a PIN, and the PIN is the one number after it.
_LAST_NUMBER = f"{_GAP}+[0-9]{{4,8}}{_GAP}*$"
_PHONE_START = rf"(?:\+(?=(?:[ .-]*[0-9]){{9,13}}{_LAST_NUMBER})|(?=0(?:[ .-]*[0-9]){{9,10}}{_LAST_NUMBER}))"
_SPACED_PHONE = f"{_PHONE_START}[0-9]{{1,4}}(?:[ .-]+[0-9]{{2,5}})+(?={_LAST_NUMBER})"
_ANY_PHONE = re.compile(f"{_PHONE}|{_SPACED_PHONE}")

# What names the request of a customer that is answered: C12 1 482915.
_REQUEST = f"(?:c-?[1-9][0-9]{{0,8}}{_GAP}+)?"

# Names and values of the fields of a form or of JSON, and what separates them.
_FORM = re.compile('([=&\\n"])')
# How JSON writes a character (RFC 8259, 7): digits of another script may be a PIN, and the n of a line end hides one.
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|[bfnrt])")


class Redactor:
    """Sees through spacing, other scripts' digits and invisible characters; knows only the words it is given.

    `yes_words` confirm (1, yes, ndiyo), and `courtesies` may stand before them (please). After `secret_words` (PIN)
    every digit is secret; after `lock_words` (LOCK) every one outside a phone number.
    """

    def __init__(
        self,
        yes_words: Iterable[str],
        secret_words: Iterable[str],
        lock_words: Iterable[str] = (),
        courtesies: Iterable[str] = (),
    ) -> None:
        folded = [_fold(word)[0] for word in yes_words]
        numbers = _either(word for word in folded if word.isdigit())
        words = _either(word for word in folded if not word.isdigit())
        before = f"{_GAP}*{_REQUEST}(?:{_either(_fold(word)[0] for word in courtesies)}{_GAP}+)*"
        self._yes = re.compile(f"{before}(?:{numbers}(?:(?![a-z0-9])|{_PIN_GLUED})|{words}(?![a-z]))")
        self._secret = _keyword(secret_words)
        self._lock = _keyword(lock_words)

    def clean(self, text: str) -> str:
        """The message as it may be stored, equally long: a star for each digit that may be of a PIN.

        Those are six digits alone anywhere, what follows a yes at the beginning, or PIN or LOCK anywhere, and the 4 to
        8 digits of a message without letters.
        """
        if text.isascii() and not _DIGIT.search(text):
            return text
        return _starred(text, self._spans)

    def clean_transcript(self, text: str) -> str:
        """The same for a USSD transcript, whose inputs are joined by `*`.

        Amounts and menu numbers stand alone there, so only what has six digits counts: an input in any
        spacing, also after a yes, or a part of it that stands alone.
        """
        return "*".join(_starred(answer, self._spans_of_answer) for answer in text.split("*"))

    def clean_form(self, text: str) -> str:
        """The same for the fields of a form, or of JSON, that could not be read: each may be a message or a transcript.
        Without JSON's escapes; what cannot be shown is a space."""
        text = _ESCAPED.sub(lambda match: _shown(int(match[1] or "20", 16)), text)
        return "".join(self.clean(self.clean_transcript(piece)) for piece in _FORM.split(text))

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        yield from (six.span() for six in _SIX_ALONE.finditer(text))
        digits = _digits_without_words(text)
        if digits == 6 or (4 <= digits <= 8 and not self._yes.match(text)):
            yield 0, len(text)
        if opening := self._yes.match(text) or self._secret.search(text):
            yield opening.end(), len(text)
        if opening := self._lock.search(text):
            yield from _around_phones(text, opening.end())

    def _spans_of_answer(self, text: str) -> Iterator[tuple[int, int]]:
        yield from (six.span() for six in _SIX_ALONE.finditer(text))
        if _digits_without_words(text) == 6:
            yield 0, len(text)
        elif (yes := self._yes.match(text)) and _digits_without_words(text[yes.end() :]) == 6:
            yield yes.end(), len(text)


def _shown(code: int) -> str:
    return chr(code) if chr(code).isprintable() else " "


def _either(words: Iterable[str]) -> str:
    """A pattern for any of the words; for none of them, one that never matches."""
    return f"(?:{'|'.join(map(re.escape, words)) or '(?!)'})"


def mistyped(words: Iterable[str]) -> str:
    """A pattern for any of the words, also with a sign between its letters, where a finger slipped: P-IN."""
    return f"(?:{'|'.join(_SLIP.join(map(re.escape, word)) for word in words) or '(?!)'})"


def _keyword(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(f"(?<![a-z0-9]){mistyped(_fold(word)[0] for word in words)}(?![a-z])")


def _fold(text: str) -> tuple[str, Sequence[int]]:
    """Lower-case plain text as keywords are compared, and for each of its characters the index of the one it came
    from."""
    if text.isascii() and "'" not in text:
        return text.lower(), range(len(text))
    pairs = [(letter, index) for index, raw in enumerate(text) for letter in _folded(raw)]
    return "".join(letter for letter, _ in pairs), [index for _, index in pairs]


@lru_cache(maxsize=4096)
def _folded(letter: str) -> str:
    """What is left of a letter when the parser compares a word: whatever that forgives is forgiven here."""
    return plain_word(plain(letter)).lower()


def _digits_without_words(text: str) -> int:
    """How many digits a text without letters has; with letters, 0."""
    return 0 if re.search("[a-z]", text) else sum(map(str.isdigit, text))


def _around_phones(text: str, start: int) -> Iterator[tuple[int, int]]:
    for phone in _ANY_PHONE.finditer(text, start):
        yield start, phone.start()
        start = phone.end()
    yield start, len(text)


def _starred(text: str, secret_spans: Callable[[str], Iterable[tuple[int, int]]]) -> str:
    folded, origin = _fold(text)
    secret = {
        origin[index] for start, end in secret_spans(folded) for index in range(start, end) if folded[index].isdigit()
    }
    return "".join("*" if index in secret else raw for index, raw in enumerate(text))
