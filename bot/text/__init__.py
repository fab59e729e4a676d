"""What is written and read, without memory: GSM letters, phone numbers, languages, words, PINs starred out."""

from bot.text.grammar import normalise, plain_word
from bot.text.gsm import SCREEN, plain, septets, shorten
from bot.text.i18n import Text, _, joined, verbatim

__all__ = [
    "SCREEN",
    "Text",
    "_",
    "joined",
    "normalise",
    "plain",
    "plain_word",
    "septets",
    "shorten",
    "verbatim",
]
