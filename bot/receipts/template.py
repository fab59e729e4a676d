"""A template is what an operator writes, with fields in brackets: it is read once, and laid over a whole text.

Nobody types a pattern, and no pattern of ours looks back: what a text can be read as is followed place by place, for
all readings at once, so that a text costs its length times that of the template. All readings are known then: a text
that can be read in two ways, since a payer may write words into it, is never taken for one of them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.text.i18n import N_, Reason

LONGEST_TEXT = 640  # characters: four SMS, and more than any confirmation that was seen
LONGEST_TEMPLATE = 400  # as the column of rules
LEAST_LETTERS = 12  # of a template: fewer words fit anything
MOST_GAPS = 5  # [*] of a template


class Field(StrEnum):
    """What may stand in brackets."""

    REFERENCE = "reference"
    AMOUNT = "amount"
    SERIAL = "serial"  # what the payer typed as the account
    PHONE = "phone"
    NAME = "name"
    BALANCE = "balance"
    FEE = "fee"
    DATE = "date"
    TIME = "time"
    ANYTHING = "*"


_MONEY = re.compile(
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(?:\.[0-9]{1,2})?(?![0-9])(?![.,][0-9])"  # 1,250.40
    r"|[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]{1,2}(?![0-9])"  # 1.250,40
)
# What each field looks like where it begins; of a length that has one end only.
SHAPES = {
    # A point within it comes before a digit, or a letter and a digit: MI240406.1141.Q03294.
    Field.REFERENCE: re.compile(
        r"(?=[A-Za-z.]*[0-9])[A-Za-z0-9]{1,30}(?:\.(?=[A-Za-z]?[0-9])[A-Za-z0-9]{1,20}){0,4}(?![A-Za-z0-9])"
    ),
    Field.AMOUNT: _MONEY,
    Field.BALANCE: _MONEY,
    Field.FEE: _MONEY,
    # Digits, or what an operator puts in place of them: 2547***801, 0722XXXXXX, 2547 ***** 126.
    Field.PHONE: re.compile(r"\+?(?:[0-9][0-9*xX]{3,15}|\*{2,14}[0-9]{1,4})(?: \*{2,8} ?[0-9]{1,4})?(?![A-Za-z0-9*])"),
    Field.DATE: re.compile(
        r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}([/-])[0-9]{1,2}\1(?:[0-9]{4}|[0-9]{2}))(?![0-9/-])"
    ),
    Field.TIME: re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[AaPp][Mm])?(?![0-9:])"),
}
# Fields that are any characters, as many as there are: with a limit the reading in which a payer has written half of a
# receipt into his message would be none, and the other one certain.
_FREE = {Field.NAME, Field.SERIAL, Field.ANYTHING}
# What may not stand before a field that follows on free characters: else 5 would be read out of 25, or 00 of 1,500.00.
_INSIDE = re.compile(r"[A-Za-z0-9*]|[0-9][.,/:-]")
_INSIDE_NUMBER = re.compile(r"[0-9*]|[0-9][.,/:-]")
_PIECE = re.compile(r"\[([^\[\]]*)\]|([A-Za-z0-9]+)|(\s+)|([^\sA-Za-z0-9])")
_SMALL = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
# Who pays gets such texts, and may forward them: money that is sent to us is seen where it comes in.
_PAYERS = re.compile(
    r"\b(?:sent to|paid to|transferred to|payment made|your payment of"
    r"|withdrawn?|you have (?:sent|paid|transferred)|you sent|you paid|umetuma"
    r"|umelipa|umehamisha|umetoa|transferiste|pagaste|levantaste|registamos uma operacao|vous avez (?:envoye|paye"
    r"|transfere|retire))\b"
)


@dataclass(frozen=True)
class _Piece:
    """A word, a sign or a field. `parted`: a space stands before it."""

    text: str  # in small letters; empty for a field
    field: Field | None
    parted: bool

    @property
    def is_free(self) -> bool:
        return self.field in _FREE


@dataclass(frozen=True)
class Reading:
    """How a template fits a whole text: each field as it stands there, and the fields that have several readings."""

    fields: dict[Field, str]
    doubtful: tuple[Field, ...] = ()


@dataclass(frozen=True)
class Near:
    """How far a template fits that does not fit the whole."""

    pieces: int  # how many of its pieces
    of: int
    wanted: str  # the piece that comes next, as the template has it
    found: str  # what stands there instead


def small(text: str) -> str:
    """A text in small letters, ASCII's alone: other letters may look like these and are others."""
    return text.translate(_SMALL)


def tidy(text: str) -> str:
    """A text with one space wherever there are some, or line ends."""
    return " ".join(text.split())


class Template:
    """One template. Raises Reason when nobody could read a payment by it."""

    def __init__(self, text: str) -> None:
        self.text = tidy(text)
        self._pieces = list(_pieces_of(self.text))
        self.fields = [piece.field for piece in self._pieces if piece.field]
        self._check()
        self._words = {piece.text for piece in self._pieces if piece.text}

    def _check(self) -> None:
        if len(self.text) > LONGEST_TEMPLATE:
            raise Reason(N_("The template is longer than {most} characters."), most=LONGEST_TEMPLATE)
        for field in (Field.REFERENCE, Field.AMOUNT):
            if field not in self.fields:
                raise Reason(N_("The template has no [{field}]: without it nothing is a payment."), field=str(field))
        for field in Field:
            if self.fields.count(field) > (MOST_GAPS if field is Field.ANYTHING else 1):
                raise Reason(N_("The template has [{field}] too often."), field=str(field))
        for before, after in zip(self._pieces, self._pieces[1:], strict=False):
            if before.is_free and after.is_free:
                side_by_side = N_("Between [{before}] and [{after}] some word or sign has to stand.")
                raise Reason(side_by_side, before=str(before.field), after=str(after.field))
        if sum(map(str.isalpha, "".join(piece.text for piece in self._pieces))) < LEAST_LETTERS:
            raise Reason(N_("The template has too few words: copy the whole text, and put the fields into it."))

    @property
    def is_payers(self) -> bool:
        """Whether it is what somebody gets who pays, and not who is paid."""
        return pays(re.sub(r"\[[^\]]*\]", " ", self.text))

    def read(self, text: str) -> Reading | None:
        """How it fits a whole text; None when it does not."""
        text = tidy(text)
        if not 0 < len(text) <= LONGEST_TEXT or not self._may_fit(text):
            return None
        return _Walk(self._pieces, text).reading()

    def references(self, text: str) -> set[str]:
        """The references of all places where it fits, whatever stands before and after: two of them are two texts in
        one."""
        text = tidy(text)
        if not 0 < len(text) <= LONGEST_TEXT or not self._may_fit(text):
            return set()
        return _Walk(self._pieces, text, anywhere=True).values_of(Field.REFERENCE)

    def near(self, text: str) -> Near:
        """How far it fits a text."""
        text = tidy(text)[:LONGEST_TEXT]
        walk = _Walk(self._pieces, text)
        count, most = walk.reached, len(self._pieces)
        found = text[max(walk.after[count]) :].strip()[:30]
        if count == most:
            return Near(count, most, "the end", found)
        wanted = self._pieces[count]
        name = f"[{wanted.field}]" if wanted.field else wanted.text
        return Near(count, most, name, found)

    def _may_fit(self, text: str) -> bool:
        """Whether all its words are there: most templates are done with here."""
        found = small(text)
        return all(word in found for word in self._words)


def pays(text: str) -> bool:
    """Whether a text is what somebody gets who pays."""
    return bool(_PAYERS.search(tidy(small(text))))


def _pieces_of(text: str) -> Iterator[_Piece]:
    parted = False
    for bracket, word, space, sign in _PIECE.findall(text):
        if space:
            parted = True
            continue
        if word or sign:
            yield _Piece(small(word or sign), None, parted)
        else:
            yield _Piece("", _field(bracket), parted)
        parted = False


def _field(name: str) -> Field:
    try:
        return Field(small(name).strip())
    except ValueError:
        known = " ".join(f"[{field}]" for field in Field)
        raise Reason(N_("[{name}] is no field. There are {known}."), name=name, known=known) from None


class _Walk:
    """One template laid over one text. `after[n]` are the places in the text where the first n pieces may end."""

    def __init__(self, pieces: list[_Piece], text: str, *, anywhere: bool = False) -> None:
        self._pieces, self._text, self._small = pieces, text, small(text)
        self.after: list[set[int]] = [self._starts() if anywhere else {0}]
        for number, piece in enumerate(pieces):
            found = [ends for place in self.after[number] if (ends := self._ends(number, piece, place))]
            if piece.is_free:  # from the first of them it reaches whatever it reaches from the others
                found = [min(found, key=lambda ends: ends[0])] if found else []
            self.after.append({end for ends in found for end in ends})
        self._until = self._lead_to_the_end(anywhere=anywhere)

    def _starts(self) -> set[int]:
        """Where words begin."""
        text = self._text
        return {n for n in range(len(text)) if n == 0 or not (text[n - 1].isalnum() and text[n].isalnum())}

    @property
    def reached(self) -> int:
        """How many pieces fit from the beginning on."""
        return next(n for n in reversed(range(len(self.after))) if self.after[n])

    def _lead_to_the_end(self, *, anywhere: bool) -> list[set[int]]:
        """Of the places in `after`, those from which the rest of the pieces fits the rest of the text."""
        until = [self.after[-1] if anywhere else self.after[-1] & {len(self._text)}]
        for number in reversed(range(len(self._pieces))):
            until.append({place for place in self.after[number] if self._leads(number, place, until[-1])})
        until.reverse()
        return until

    def _leads(self, number: int, place: int, following: set[int]) -> bool:
        """Whether a piece that begins here may end where the next one goes on."""
        piece = self._pieces[number]
        ends = self._ends(number, piece, place)
        if piece.is_free:
            return bool(ends) and bool(following) and ends[0] <= max(following)
        return any(end in following for end in ends)

    def reading(self) -> Reading | None:
        if not self._until[0]:
            return None
        fields: dict[Field, str] = {}
        doubtful = []
        for number, piece in enumerate(self._pieces):
            if piece.field and piece.field is not Field.ANYTHING:
                values = self._values(number, piece)
                fields[piece.field] = min(sorted(values), key=len)
                if len(values) > 1:
                    doubtful.append(piece.field)
        return Reading(fields, tuple(doubtful))

    def values_of(self, field: Field) -> set[str]:
        """All that a field may be."""
        found: set[str] = set()
        for number, piece in enumerate(self._pieces):
            if piece.field is field:
                found |= self._values(number, piece)
        return found

    def _values(self, number: int, piece: _Piece) -> set[str]:
        """What a field may be; of one that is free, two are enough to know that it is not certain."""
        following, found = self._until[number + 1], set[str]()
        for place in sorted(self._until[number]):
            for end in self._ends(number, piece, place):
                if end in following:
                    found.add(self._text[self._begin(place) : end].strip())
            if piece.is_free and len(found) > 1:
                break
        return found

    def _begin(self, place: int) -> int:
        """A place, or the one behind the space there."""
        return place + self._text.startswith(" ", place)

    def _ends(self, number: int, piece: _Piece, place: int) -> Sequence[int]:
        """Where a piece may end that begins here; one that is free may end at each place from the first one on."""
        text, begin = self._text, self._begin(place)
        if piece.field is Field.ANYTHING:
            return range(place, len(text) + 1)
        if not self._is_parted(number, piece, begin):
            return ()
        if piece.is_free:
            return range(begin + 1, len(text) + 1)
        if piece.field is None:
            end = begin + len(piece.text)
            return (end,) if self._small.startswith(piece.text, begin) and self._is_whole(piece.text, end) else ()
        if number and self._pieces[number - 1].is_free and self._is_inside(piece.field, begin):
            return ()
        found = SHAPES[piece.field].match(text, begin)
        return (found.end(),) if found else ()

    def _is_parted(self, number: int, piece: _Piece, begin: int) -> bool:
        """Whether a space stands where the template has one between words. Beside numbers operators leave it out:
        `1:06 PMKsh20.00`."""
        text, before = self._text, self._pieces[number - 1] if number else None
        if not piece.parted or before is None or not 0 < begin < len(text):
            return True
        if not (text[begin - 1].isalnum() and text[begin].isalnum()):
            return True
        named = before.is_free or piece.is_free
        words = before.field is None and piece.field is None
        return not (named or words)

    def _is_whole(self, word: str, end: int) -> bool:
        """Whether a word of the template is one of the text, and not the beginning of a longer one. A number may
        follow at once: Ksh500."""
        return not (word[-1].isalpha() and self._text[end : end + 1].isalpha())

    def _is_inside(self, field: Field, begin: int) -> bool:
        inside = _INSIDE if field in (Field.REFERENCE, Field.PHONE) else _INSIDE_NUMBER
        before = self._text[max(0, begin - 2) : begin]
        return bool(before) and bool(inside.fullmatch(before[-1:]) or inside.fullmatch(before))
