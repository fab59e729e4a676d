"""The pages of docs/ as HTML: with a table of contents, links that lead within the help, and nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# In the package as it is installed; in the project's folder they stand beside it.
SHIPPED, BESIDE = Path(__file__).parent / "docs", Path(__file__).resolve().parents[3] / "docs"
DOCS = SHIPPED if SHIPPED.is_dir() else BESIDE
PICTURES = DOCS / "pictures"
FIRST = ("office", "operate", "texts", "payments", "receipt-texts", "reconciliation", "gateways", "data", "install")
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)  # marks for the tables that are made from the code
OUTSIDE = ("https://", "http://")
INWARD = re.compile(r'href="(?:/help/([a-z-]+))?#([^"]+)"')
AROUND = 80  # characters shown on each side of what was found
MOST_FOUND = 30
LARGE = 40_000  # characters of a page; a larger one is shown by its headings, each with a page of its own


@dataclass(frozen=True)
class Heading:
    """A line of the table of contents."""

    level: int  # 2 or 3
    anchor: str
    title: str


@dataclass(frozen=True)
class Document:
    """A page of docs/."""

    name: str  # in its address: /help/operate
    title: str
    html: Markup
    contents: Sequence[Heading]
    sections: Sequence[tuple[Heading, str]]  # what stands behind each heading, as words
    parts: Mapping[str, Markup]  # of a large one what stands under each heading, by its anchor; else nothing
    part_of: Mapping[str, str]  # in which part an anchor is

    def address(self, anchor: str) -> str:
        """Where a heading is."""
        part = f"/{self.part_of[anchor]}" if anchor in self.part_of else ""
        return f"/help/{self.name}{part}#{anchor}"


@dataclass(frozen=True)
class Hit:
    """Where something was found."""

    document: Document
    heading: Heading
    excerpt: Markup  # with what was found marked


@cache
def documents() -> Mapping[str, Document]:
    """All pages by name, in the order of the help."""
    names = sorted(path.stem for path in DOCS.glob("*.md"))
    names.sort(key=lambda name: FIRST.index(name) if name in FIRST else len(FIRST))
    read = {name: _read(name) for name in names}
    return {name: _lead_into_parts(document, read) for name, document in read.items()}


def pictures() -> dict[str, Path]:
    """The pictures by name."""
    return {path.name: path for path in PICTURES.glob("*.png")}


def find(words: str) -> list[Hit]:
    """The sections that have all of these words, those with one in their heading first."""
    wanted = [word.casefold() for word in words.split()]
    hits = []
    for document in documents().values() if wanted else ():
        for heading, text in document.sections:
            whole = f"{heading.title} {text}".casefold()
            if all(word in whole for word in wanted):
                in_title = any(word in heading.title.casefold() for word in wanted)
                hits.append((not in_title, Hit(document, heading, _excerpt(text, wanted))))
    return [hit for _order, hit in sorted(hits, key=lambda one: one[0])][:MOST_FOUND]


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading, by which the pages link to each other."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _read(name: str) -> Document:
    from markdown_it import MarkdownIt  # noqa: PLC0415 - slow, and few ask a server for help

    source = COMMENT.sub("", (DOCS / f"{name}.md").read_text(encoding="utf-8"))
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(source)
    headings = _name_headings(tokens)
    for token in tokens:
        _tidy(token)
        for child in token.children or ():
            _tidy(child)
    html = _draw(markdown, tokens)
    title = headings[0].title if headings else name
    contents = [each for each in headings if each.level in (2, 3)]
    parts, part_of = _cut(markdown, tokens) if len(html) > LARGE else ({}, {})
    return Document(name, title, html, contents, _sections(tokens), parts, part_of)


def _draw(markdown: MarkdownIt, tokens: Sequence[Token]) -> Markup:
    html = str(markdown.renderer.render(tokens, markdown.options, {}))
    # What is wide moves within its own box, also by the keyboard.
    html = html.replace("<pre>", '<pre tabindex="0">')
    html = html.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
    return Markup(html)  # noqa: S704 - made of text by a renderer that lets no HTML of the text through


def _cut(markdown: MarkdownIt, tokens: Sequence[Token]) -> tuple[dict[str, Markup], dict[str, str]]:
    """What stands under each heading of the second level, and in which of these parts each anchor is."""
    begins = [place for place, token in enumerate(tokens) if token.type == "heading_open" and token.tag == "h2"]
    parts: dict[str, Markup] = {}
    part_of: dict[str, str] = {}
    for begin, end in pairwise([*begins, len(tokens)]):
        part = str(tokens[begin].attrGet("id"))
        parts[part] = _draw(markdown, tokens[begin:end])
        part_of |= {str(token.attrGet("id")): part for token in tokens[begin:end] if token.type == "heading_open"}
    return parts, part_of


def _lead_into_parts(document: Document, read: Mapping[str, Document]) -> Document:
    """The links to a large page lead into the part that is meant."""

    def lead(match: re.Match[str]) -> str:
        target = read[match[1] or document.name]
        return f'href="{target.address(match[2])}"' if target.parts else match[0]

    def led(html: Markup) -> Markup:
        return Markup(INWARD.sub(lead, html))  # noqa: S704 - only addresses of ours change

    return replace(document, html=led(document.html), parts={name: led(part) for name, part in document.parts.items()})


def _name_headings(tokens: Sequence[Token]) -> list[Heading]:
    """Give each heading its anchor."""
    headings = []
    for token, inside in pairwise(tokens):
        if token.type == "heading_open":
            title = _words(inside)
            headings.append(Heading(int(token.tag[1]), slug(inside.content.replace("`", "")), title))
            token.attrSet("id", headings[-1].anchor)
    return headings


def _tidy(token: Token) -> None:
    """Links and pictures of docs/ become those of the help, and columns to the right a class of ours."""
    if token.type == "link_open":
        href = str(token.attrGet("href") or "")
        token.attrSet("href", _address(href))
        if href.startswith(OUTSIDE):
            token.attrSet("rel", "noreferrer")
    if token.type == "image":
        token.attrSet("src", f"/help/pictures/{Path(str(token.attrGet('src'))).name}")
        token.attrSet("loading", "lazy")
    if style := token.attrs.pop("style", None):
        token.attrs |= {"class": "n"} if style == "text-align:right" else {}


def _address(href: str) -> str:
    path, hash_, anchor = href.partition("#")
    if href.startswith(OUTSIDE) or not path:
        return href
    name = Path(path).stem
    if Path(path).suffix == ".md" and (DOCS / f"{name}.md").exists():
        return f"/help/{name}{hash_}{anchor}"
    return "/help"  # a file of the project that is not shipped


def _sections(tokens: Sequence[Token]) -> list[tuple[Heading, str]]:
    """The words behind each heading."""
    sections: list[tuple[Heading, list[str]]] = []
    opened: Token | None = None
    for token in tokens:
        if token.type == "heading_open":
            opened = token
        elif token.type == "inline" and opened is not None:
            heading = Heading(int(opened.tag[1]), str(opened.attrGet("id")), _words(token))
            sections.append((heading, []))
            opened = None
        elif token.type in ("inline", "fence", "code_block") and sections:
            sections[-1][1].append(_words(token) if token.type == "inline" else token.content)
    return [(heading, " ".join(" ".join(texts).split())) for heading, texts in sections]


def _words(token: Token) -> str:
    """The text of a line, without its marks."""
    if not token.children:
        return token.content
    return "".join(" " if child.type in ("softbreak", "hardbreak") else child.content for child in token.children)


def _excerpt(text: str, wanted: Sequence[str]) -> Markup:
    """The words around the first that was found."""
    small = text.casefold()
    places = [place for word in wanted if (place := small.find(word)) >= 0]
    begin = max(min(places, default=0) - AROUND, 0)
    piece = text[begin : begin + 2 * AROUND + 40]
    pattern = re.compile("|".join(re.escape(word) for word in wanted), re.IGNORECASE)
    marked, last = [], 0
    for match in pattern.finditer(piece):
        marked += [escape(piece[last : match.start()]), f"<mark>{escape(match[0])}</mark>"]
        last = match.end()
    ends = ("… " if begin else "", " …" if begin + len(piece) < len(text) else "")
    return Markup(f"{ends[0]}{''.join(marked)}{escape(piece[last:])}{ends[1]}")  # noqa: S704 - each piece is escaped
