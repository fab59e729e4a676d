"""From what was typed to pieces: forgiving of form, strict in meaning. Knows no talk and no business."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby, islice

# Phones put these in by themselves; the message stays what its writer meant.
_TYPOGRAPHY = str.maketrans(
    {"‘": "'", "’": "'", "‚": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-", "−": "-", "…": "..."}
)
_HOOKED = str.maketrans("ƁƊƘƳʼ", "BDKY'")
_SIGNATURE = re.compile(r"^[^\S\n]*--[^\S\n]*$", re.MULTILINE)
# Of a number: 8,000 and TSh8,000 and 8.000,00. Whether it parts thousands or decimals is for the amount to say.
_COMMA_OF_NUMBER = re.compile(r"(?<![\w,])([A-Za-z]{0,4}\d{1,3}(?:[.,][\dOo]{3})+(?:,00?)?|\d+,00?)(?![\w,])")
_COMMA = "\ue000"  # stands for it while a line is split: nobody writes it
_MARKS = '"!<>()[]{}|~^`“”«»•'  # around a word they say nothing
_PICTURES = ("So", "Sk", "Me")  # Unicode's categories of pictures, their colours and what encloses them
_STARRED = re.compile(r"\S\s*(?!(?<=[\s,;])#\w)[*#]+\s*\S")  # a # before a number is part of it: #4
# A full stop before a gap is no part of a word: many phones write one for two spaces.
# Nor is a slash one before the sign of the shilling: 8000/=.
_SEPARATORS = re.compile(r"(?:\.{0,3}(?:[\s,;:_*#]|/(?![=-](?!\w))))+")
_FIRST_WORD = re.compile(r"[\s,;:/_*#]*[^\s,;:/_*#]+[\s,;:/_*#]*")
_WORD = re.compile(r"[^\s,;:/_*#]+")
_NO_LETTERS = re.compile(r"[\W_]+")
BLESSINGS = "\ufdfa\ufdfb"
MOST_MARKS = 4  # on one letter, of which Vietnamese needs two
GROWS = 64  # letters by which any text may grow when its signs are spelt out
MOST_ENDS = 8  # ends with as many letters differ in words of signs alone, of which nobody writes more
_LISTED = re.compile(r"[,;\n]+")
_GLUED = re.compile(r"([^\W\d_]+)(\d[\w.,-]*)")


def normalise(text: str) -> str:
    """The text as it was meant: one form for each character, ASCII digits, no signature, tidy spaces.

    Lines stay lines, since a further line is a further argument.
    """
    if not text.isascii():
        text = _ascii_forms(text)
    text = text.replace("\0", "")
    text = _SIGNATURE.split(text.replace("\r", "\n"))[0] if "--" in text else text.replace("\r", "\n")
    lines = [" ".join(line.split()) for line in text.split("\n")]
    text = "\n".join(line for line in lines if line)
    return text if text == "?" else text.rstrip(" .!?")


def _ascii_forms(text: str) -> str:
    """A number that is no digit stays as it is: 2²00 is not 2200."""
    kept = []
    runs = groupby(_with_few_marks(text), key=lambda each: each.isnumeric() and not each.isdecimal())
    meant = "".join("".join(run) if odd else unicodedata.normalize("NFKC", "".join(run)) for odd, run in runs)
    for character in meant[: len(text) + GROWS].translate(_TYPOGRAPHY):  # one Arabic sign: 18 letters
        if character.isdecimal():
            kept.append(str(unicodedata.decimal(character)))
        elif unicodedata.category(character) != "Cf":  # zero width, bidirectional marks, byte order mark
            kept.append(character)
    return "".join(kept)


def _with_few_marks(text: str) -> str:
    """Without the marks that pile up on one letter: to put 8,000 of them in order takes a fifth of a second. Nor the
    signs for a whole blessing, which would be spelt out in up to 18 letters each."""
    kept, marks = [], 0
    for character in text:
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= MOST_MARKS and character not in BLESSINGS:
            kept.append(character)
    return "".join(kept)


def plain_word(word: str) -> str:
    """A word as keywords are compared: capitals, no accents, no hooks (KUƊI), no apostrophes."""
    if word.isascii():
        return word.upper().replace("'", "")
    decomposed = unicodedata.normalize("NFKD", word.upper().translate(_HOOKED))
    return "".join(c for c in decomposed if not unicodedata.combining(c) and c != "'")


def split(text: str) -> list[str]:
    """A normalised message as its pieces. With `*` or `#` between words those alone separate, so that a name
    may keep its space; otherwise so do spaces, commas, semicolons, colons, slashes and underscores, and what full
    stops stand before them. The comma of a number parts nothing; quotes, brackets and pictures around a word fall away,
    unless they are all of it."""
    if _STARRED.search(text):
        return [piece.strip() for piece in re.split(r"[*#\n]+", text) if piece.strip()]
    pieces = _SEPARATORS.split(_with_whole_numbers(text))
    return [_without_marks(piece.replace(_COMMA, ",")) for piece in pieces if piece]


def _with_whole_numbers(text: str) -> str:
    """The text with a sign of ours for each comma within a number."""
    return _COMMA_OF_NUMBER.sub(lambda match: match[0].replace(",", _COMMA), text)


def _without_marks(piece: str) -> str:
    if piece.isalnum() or (piece.isascii() and piece.strip(_MARKS) == piece):
        return piece
    first, last = 0, len(piece)
    while first < last and _is_mark(piece[first]):
        first += 1
    while last > first and _is_mark(piece[last - 1]):
        last -= 1
    return piece[first:last] or piece


def _is_mark(character: str) -> bool:
    """Quotes, brackets, and pictures with what belongs to them: a colour, a shape."""
    if character.isascii():
        return character in _MARKS
    return character in _MARKS or "\ufe00" <= character <= "\ufe0f" or unicodedata.category(character) in _PICTURES


def listed(text: str) -> list[str]:
    """What stands behind the keyword of a normalised message, parted by commas or lines alone, so that a name
    keeps its space and a serial its slash; nothing when neither is there. The comma of a number parts nothing."""
    whole = _with_whole_numbers(text)
    if _STARRED.search(text) or not _LISTED.search(whole):
        return []
    behind = _FIRST_WORD.sub("", whole, count=1)
    return [piece.strip().replace(_COMMA, ",") for piece in _LISTED.split(behind) if piece.strip()]


def written(line: str, pieces: list[str]) -> str:
    """The end of a normalised message, of which these are the pieces, as it was written."""
    ends = islice(_ends_with(line, _count_letters("".join(pieces))), MOST_ENDS)
    return next((end for end in ends if split(end) == pieces), " ".join(pieces))


def _ends_with(line: str, letters: int) -> Iterator[str]:
    """The ends of a message that begin with a word and have so many letters and digits, the shortest first. Counted
    from the end in one pass: to split each end would take a second for 8,000 characters."""
    counted, end = 0, len(line)
    for word in reversed(list(_WORD.finditer(line))):
        counted += _count_letters(line[word.start() : end])
        end = word.start()
        if counted == letters:
            yield line[end:]
        if counted > letters:
            return


def _count_letters(text: str) -> int:
    return len(_NO_LETTERS.sub("", text))


def unglued(pieces: list[str]) -> list[list[str]]:
    """`BUY500` as `BUY 500`, `TK41` as `T K41` too; nothing when the first piece is no word with digits behind it."""
    match = _GLUED.fullmatch(pieces[0])
    if match is None:
        return []
    word, number = match.groups()
    return [[word, number, *pieces[1:]], [word[:-1], word[-1] + number, *pieces[1:]]]
