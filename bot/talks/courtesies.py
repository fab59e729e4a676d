"""What people write around a command and do not mean as part of it: greetings, please and thanks, who forwarded it,
pictures, their own name. Form is forgiven: these are passed over. What they mean is never guessed."""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from bot.talks.commands import Commands, Talk
from bot.text import plain_word
from bot.text.grammar import split, written
from models.people import Role

# Each line is a kind, of all languages together; longer greetings are several of these words.
_WORDS = """
    HI HELLO HELO THERE HEY HALLO GOOD MORNING AFTERNOON EVENING DAY NIGHT GREETINGS DEAR
    HABARI HABARINI HUJAMBO JAMBO MAMBO VIPI NIAJE POA SALAMA SALAM SALAMU SHIKAMOO MARAHABA KARIBU ASUBUHI MCHANA JIONI
    BONJOUR BONSOIR SALUT COUCOU BOM BOA DIA TARDE NOITE OLA OI ALO ALLO
    SANNU BARKA INA KWANA WUNI YINI YAMMA SAFE RANA ASSALAM ASSALAMU ALAIKUM ALEIKUM ASALAM SALAAM ALAYKUM
    PLEASE PLS PLZ PLEAS PLSE KINDLY NAOMBA NAOMBENI TAFADHALI TAFADHARI NISAIDIE NISAIDIENI
    SVP STP SIL PLAIT VOUS VEUILLEZ POR FAVOR FAZ PF DON ALLAH DAN ALLA
    THANKS THANK THANX THX TY TNX REGARDS YOU CHEERS WELCOME ASANTE ASANTENI ASANTENIE SANA AHSANTE SHUKRANI SHUKRAN
    MERCI BEAUCOUP BIEN CORDIALEMENT OBRIGADO OBRIGADA OBG MUITO NAGODE GODIYA BLESS GOD MUNGU AKUBARIKI
    SIR MADAM MADAME MONSIEUR MR MRS BOSS BOSI MKUU CHIEF CHEF PATRON BRO BROTHER SISTER FRIEND RAFIKI KAKA DADA MAMA
    BABA NDUGU JAMANI OGA YALLABAI HAJIYA SENHOR SENHORA CHEFE AMIGO AMI OFFICE OFISI BUREAU MWANGA
    FWD FW RE TR ENC FORWARDED FORWARD MESSAGE MSG SMS TEXT UJUMBE SAYS
    SAID SAYING ANASEMA AMESEMA DIT DIZ DISSE YACE TACE
    I WE AM WANT WANTS NEED NEEDS WOULD LIKE CAN COULD MAY LET ME US HIM HER HELPING DO JUST NOW SO OK OKAY ALSO AND
    NATAKA NINATAKA TUNATAKA ANATAKA NINGEPENDA NAHITAJI NINAHITAJI ANAHITAJI ANAOMBA SASA TU BASI HAYA NA PIA
    JE VEUX VOUDRAIS VOULAIS BESOIN AI IL ELLE VEUT ET AUSSI ICI
    QUERO QUERIA PRECISO GOSTARIA EU ELE ELA QUER E AGORA TAMBEM
    SO NAKE SON KE SHI TANA YANA SUNA BUKATA YANZU DA
    SORRY EXCUSE PARDON SAMAHANI DESCULPE URGENT HARAKA QUICK QUICKLY FAST ONLY HAVE HAS GOT DOES WHO NINA TUNA NANI
    CUSTOMERS CLIENTS CLIENTES WATEJA ALL ZOTE WOTE TOUS TODOS DUKA
    THE A AN MY OUR HIS YOUR THIS IS IT WHAT WHATS MUCH MANY OF FOR TO WITH ON IN BY AT WORTH
    YA WA LA ZA CHA VYA KWA KWENYE YANGU WANGU LANGU ZANGU YAKE WAKE LAKE NINI NGAPI GANI KIASI
    LE LES UN UNE DU DE DES AU POUR SUR EN MON MA MES COMBIEN QUEL QUELLE EST
    O OS AS UM UMA DOS MEU MINHA PARA COM QUAL QUANTO QUANTOS
    NA TA GA NAWA NAWANE MENENE
    PHONE SIMU TEL TELEPHONE TELEFONE MOBILE WAYA
    SERIAL NUMBER NUM NR NAMBA NAMBARI NUMERO LAMBAR DEVICE KIFAA CUSTOMER CLIENT AMOUNT KIASI MONTANT VALOR
    POWER ELECTRICITY ENERGY CREDIT TOKENS UMEME NISHATI COURANT ELECTRICITE ENERGIE ENERGIA ELECTRICIDADE WUTA
    WUTAR LANTARKI GENERATE MAKE CREATE GIVE SEND GET NIPE NITUMIE TUMA LETE DONNEZ DONNER ENVOYEZ ENVOYER DAR ENVIAR
    ENVIE MANDE BANI
"""
WORDS = frozenset(_WORDS.split())
_MOST_BEFORE = 8  # pieces that may stand before a command
_MOST_LOOKED_AT = 50  # pieces behind a command
_FARTHEST_COLON = 60  # letters of a text in which a colon may end who speaks
_MOST_COLONS = 3  # of those
_MOST_OF_A_NAME = 5  # words before a colon that say who speaks


def says_nothing(piece: str, names: Collection[str] = ()) -> bool:
    """Whether this piece of a line is no part of a command: a word of courtesy, one of these names, a picture."""
    word = plain_word(piece).strip(".,!?'-=")
    return word in WORDS or word in names or not any(map(str.isalnum, piece))


def from_the_command_on(text: str, commands: Commands, role: Role, names: Collection[str] = ()) -> str:
    """A normalised message without what stands before its keyword; empty where there is nothing but courtesies before
    no keyword. A command with a secret in it has to come first, for what is stored is starred by that: the keyword
    alone is left of it, which teaches how to write it. Behind a colon somebody else may speak: nothing is left of one
    that acts at once."""
    before, colon, behind = text.partition(":")
    if colon and len(before.split()) <= _MOST_OF_A_NAME and not any(map(str.isdigit, before)):
        found = _behind_courtesies(behind.strip(), commands, role, names)
        if found:
            return "" if acts_behind_a_colon(text, found, commands, role) else found
    found = _behind_courtesies(text, commands, role, names)
    return "" if acts_behind_a_colon(text, found, commands, role) else found


def acts_behind_a_colon(text: str, command: str, commands: Commands, role: Role) -> bool:
    """Whether this end of a message is a command that acts at once, and stands behind a colon."""
    found = commands.find_spelt(split(command) or [""], role)
    return bool(found and found.talk.at_once and ":" in text[: len(text) - len(command)])


def told_to(text: str, commands: Commands, role: Role, names: Collection[str] = ()) -> Talk | None:
    """The talk of a command that acts at once, which is not started since somebody else may speak: Baraka says: STOP"""
    colons = [place for place, letter in enumerate(text[:_FARTHEST_COLON], 1) if letter == ":"]
    for place in colons[:_MOST_COLONS]:
        found = commands.find_spelt(
            split(_behind_courtesies(text[place:].strip(), commands, role, names)) or [""], role
        )
        if found and found.talk.at_once:
            return found.talk
    return None


def _behind_courtesies(text: str, commands: Commands, role: Role, names: Collection[str]) -> str:
    pieces = split(text)
    for place, piece in enumerate(pieces[:_MOST_BEFORE]):
        if found := commands.find_spelt(pieces[place:], role):
            if found.talk.secret:
                return piece
            return written(text, pieces[place:])
        if not says_nothing(piece, names):
            break
    return ""


def within(pieces: Sequence[str], names: Collection[str] = ()) -> list[str]:
    """The pieces of a line without the courtesies before and behind; all of them where there is nothing else."""
    first, last = 0, len(pieces)
    while first < last and says_nothing(pieces[first], names):
        first += 1
    while last > first and says_nothing(pieces[last - 1], names):
        last -= 1
    return list(pieces[first:last] or pieces)


def without_the_last(listed: Sequence[str]) -> list[str]:
    """The parts of a line between commas, without the courtesies behind the last one: household. Thanks"""
    *others, last = listed or [""]
    words = last.split()
    while words and says_nothing(words[-1]):
        words.pop()
    return [*others, " ".join(words).rstrip(" .!")] if words else others


def left_over(pieces: Sequence[str], line: str, commands: Commands, role: Role, names: Collection[str]) -> list[str]:
    """What of the end of a line still means something. Further lines are a signature when no digit is in them, and
    none begins with a keyword."""
    lines = line.split("\n")
    for first in range(1, len(lines)):
        further = [split(each) for each in lines[first:]]
        signature = [piece for each in further for piece in each]
        is_end = signature and list(pieces[-len(signature) :]) == signature
        if is_end and not _has_digits(signature) and not any(commands.find(each[0], role) for each in further if each):
            pieces = pieces[: -len(signature)]
            break
    return [piece for piece in pieces[:_MOST_LOOKED_AT] if not says_nothing(piece, names)] or [
        *pieces[_MOST_LOOKED_AT:]
    ]


def name_words(names: Iterable[str]) -> frozenset[str]:
    """The words of names, as `says_nothing` compares them."""
    return frozenset().union(*map(_words, names))


@lru_cache(maxsize=4096)
def _words(name: str) -> frozenset[str]:
    return frozenset(plain_word(name).split())


def _has_digits(pieces: Iterable[str]) -> bool:
    return any(character.isdigit() for piece in pieces for character in piece)
