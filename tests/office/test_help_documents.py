"""The help is docs/: all of it, its links work, and nothing of it runs."""

import re

import pytest

from handlers.office.help.documents import BESIDE, documents, find, pictures

NAMES = sorted(path.stem for path in BESIDE.glob("*.md"))


def page(name: str) -> str:
    return documents()[name].html


def anchors(html: str) -> set[str]:
    return set(re.findall(r' id="([^"]+)"', html))


def test_every_page_of_the_folder_is_in_the_help() -> None:
    assert NAMES == sorted(documents()) != []


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    links = re.findall(r'(?:href|src)="([^"]+)"', page(name))
    for link in links:
        path, _, anchor = link.partition("#")
        if link.startswith("https://"):
            continue
        if path.startswith("/help/pictures/"):
            assert path.removeprefix("/help/pictures/") in pictures()
            continue
        target, _, part = path.removeprefix("/help/").partition("/")
        target = target or name
        assert target in NAMES, link
        html = documents()[target].parts[part] if part else page(target)
        assert not anchor or anchor in anchors(html), link
        assert bool(part) is bool(anchor and documents()[target].parts), link


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_it_runs_or_has_a_style_of_its_own(name: str) -> None:
    tags = re.findall(r"<[^>]*>", page(name))
    assert not [
        tag for tag in tags if re.search(r"<(script|iframe|object|style|svg)|\son\w+=|style=|javascript:", tag, re.I)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_heading_is_in_the_table_of_contents_once(name: str) -> None:
    listed = [heading.anchor for heading in documents()[name].contents]
    assert len(listed) == len(set(listed)) == len(re.findall(r"<h[23] ", page(name)))


def test_a_large_page_is_cut_at_its_headings_and_nothing_is_lost() -> None:
    large = [document for document in documents().values() if document.parts]
    assert large
    for document in large:
        assert set(document.part_of) == {heading.anchor for heading in document.contents}
        assert "".join(document.parts.values()) in document.html


def test_words_are_found_in_any_case_those_in_headings_first() -> None:
    hits = find("reCONCile")
    assert hits and "<mark>" in "".join(hit.excerpt for hit in hits).casefold()
    assert all(hit.heading.anchor in anchors(page(hit.document.name)) for hit in hits)
    assert "cash" in find("cash")[0].heading.title.casefold()


def test_all_words_have_to_be_there() -> None:
    assert find("cash") and not find("cash xylophone") and find("") == []


def test_what_is_looked_for_is_no_html() -> None:
    for hit in find("<") + find("&") + find("\"'>"):
        assert not re.search(r"<(?!/?mark>)", hit.excerpt)
