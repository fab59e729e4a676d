"""The look for what a page runs finds it, and lets our own pages pass."""

import pytest
from markupsafe import escape

from tests.world.hostile import FORMULAS, HOSTILE, check_inert, shows


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_escaped_is_inert_and_shown(text: str) -> None:
    html = f'<p title="{escape(text)}">{escape(text)}</p><textarea>{escape(text)}</textarea>'
    check_inert(html)
    assert shows(html, text)


@pytest.mark.parametrize(
    "text", [text for text in HOSTILE if text.startswith(("<s", '"', "<a", "<i", "<b", "</", "<!"))]
)
def test_what_is_not_escaped_is_found(text: str) -> None:
    with pytest.raises(AssertionError):
        check_inert(f'<p>{text}</p><input value="{text}">')


@pytest.mark.parametrize(
    "html",
    [
        '<a href="javascript:x()">',
        "<p onclick=x()>",
        '<p style="x">',
        '<meta http-equiv="refresh">',
        "<script>x</script>",
    ],
)
def test_our_own_pages_do_nothing_of_it_either(html: str) -> None:
    with pytest.raises(AssertionError):
        check_inert(html)
    check_inert(
        '<script src="/office/abc/office.js" defer></script><a href="/people?q=1">x</a><a href="tel:+255">x</a>'
    )


def test_formulas_are_of_all_kinds() -> None:
    assert {text[0] for text in FORMULAS} == set("=+-@\t\r")
