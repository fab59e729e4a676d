"""Catalogues are read by our own few lines: as babel, which writes them, reads them."""

import ast
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from bot.text import i18n
from bot.text.i18n import LOCALES, catalogue
from tests.world.syntax import ROOT, name_of, nodes

MARKS = {"_", "_n", "N_"}  # what `make messages` looks for

WRITTEN = r"""
msgid ""
msgstr "Language: sw\n"

#. a comment
#, python-brace-format
msgid ""
"Line one\n"
"says \"{name}\" \\ and a tab\t."
msgstr ""
"Mstari é\n"
"unasema \"{name}\" \\ na\t."

msgid "{n} day"
msgid_plural "{n} days"
msgstr[0] "siku {n}"
msgstr[1] ""
"siku "
"{n} zote"

msgid "Not translated"
msgstr ""

msgid "Last"
msgstr "Mwisho"

#~ msgid "Gone"
#~ msgstr "Kwisha"
"""


def as_babel_reads(path: Path) -> dict[str, str]:
    found = {}
    with path.open("rb") as file:
        for message in read_po(file):
            forms = message.id if isinstance(message.id, tuple) else (message.id,)
            said = message.string if isinstance(message.string, tuple) else (message.string,)
            found |= {one: other for one, other in zip(forms, said, strict=False) if one and other}
    return found


@pytest.mark.parametrize("path", sorted(LOCALES.glob("*/LC_MESSAGES/*.po")), ids=lambda path: str(path.parts[-3:]))
def test_ours_are_read_as_babel_reads_them(path: Path) -> None:
    assert catalogue(path.parts[-3], path.stem) == as_babel_reads(path)


def test_lines_marks_and_forms_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "xx" / "LC_MESSAGES" / "mwanga.po"
    file.parent.mkdir(parents=True)
    file.write_text(WRITTEN, encoding="utf-8")
    monkeypatch.setattr(i18n, "LOCALES", tmp_path)
    assert (
        catalogue("xx")
        == as_babel_reads(file)
        == {
            'Line one\nsays "{name}" \\ and a tab\t.': 'Mstari é\nunasema "{name}" \\ na\t.',
            "{n} day": "siku {n}",
            "{n} days": "siku {n} zote",
            "Last": "Mwisho",
        }
    )


def test_no_sentence_stands_within_an_f_string() -> None:
    """Before Python 3.12 babel finds none there: it would be said in English in all languages."""
    hidden = [
        f"{name_of(path)}:{call.lineno}"
        for room in ("bot", "handlers")
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in nodes(path)
        if isinstance(node, ast.JoinedStr)
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKS
    ]
    assert not hidden
