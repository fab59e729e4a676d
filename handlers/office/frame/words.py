"""The sentences of the office's pages in the reader's language: gettext's domain `office`, apart from the texts of SMS.

`_` translates at once, in Python and in templates; `N_` marks a constant that a template passes through `_`. Both take
`{named}` gaps, whose values are escaped wherever a page is drawn.
"""

from collections.abc import Sequence
from contextvars import ContextVar

from jinja2 import Environment
from markupsafe import Markup, escape

from bot.text.i18n import N_, catalogue

__all__ = ["LANGUAGE", "N_", "_", "_n", "add_to", "choose_language"]
LANGUAGE: ContextVar[str] = ContextVar("language of the page", default="en")
DOMAIN = "office"


def _(english: str, **values: object) -> str:
    """The sentence in the reader's language; `Markup` where a value is."""
    return _fill(catalogue(LANGUAGE.get(), DOMAIN).get(english, english), values)


def _n(one: str, many: str, count: int, **values: object) -> str:
    """A sentence that counts: `_n("{n} ticket", "{n} tickets", 3)`."""
    language = LANGUAGE.get()
    singular = count == 1 or (count == 0 and language == "fr")  # the other languages of ours say 0 as many
    english = one if singular else many
    return _fill(catalogue(language, DOMAIN).get(english, english), {"n": f"{count:,}"} | values)


def _fill(sentence: str, values: dict[str, object]) -> str:
    if any(hasattr(value, "__html__") for value in values.values()):
        return Markup(escape(sentence)).format(**values)  # noqa: S704 - the sentence is escaped, and so is each value
    return sentence.format(**values) if values else sentence


def add_to(environment: Environment) -> None:
    environment.globals.update({"_": _, "_n": _n})


def choose_language(accepted: str, ours: Sequence[str]) -> str:
    """The first of our languages that a browser asks for (RFC 9110, 12.5.4), or the company's first."""
    asked = []
    for piece in accepted.split(",")[:20]:
        name, _, weight = piece.partition(";q=")
        try:
            asked.append((-float(weight or 1), name.strip()[:2].lower()))
        except ValueError:
            continue
    return next((name for _weight, name in sorted(asked, key=lambda one: one[0]) if name in ours), ours[0])
