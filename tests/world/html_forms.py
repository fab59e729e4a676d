"""The forms of a page as a browser without script sees them: what each sends when nothing is changed in it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """Where a form leads, what it sends, and what its choices are called."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=dict)  # of a select: values by their words
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # words, name, value
    boxes: dict[str, str] = field(default_factory=dict)  # what each box sends when it is ticked


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self.open: Form | None = None
        self.words: list[str] | None = None
        self.area = self.select = ""
        self.option: tuple[str | None, bool] | None = None
        self.button: tuple[str, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.open = Form(told.get("action", ""))
            if told.get("method") == "post":
                self.forms.append(self.open)
        if self.open is None:
            return
        name = told.get("name", "")
        if tag == "input" and name:
            self._take_input(self.open, name, told)
        elif tag == "textarea":
            self.area, self.words = name, []
        elif tag == "select":
            self.select = name
            self.open.options[name] = {}
        elif tag == "option" and self.select:
            self.option, self.words = (told.get("value"), "selected" in told), []
        elif tag == "button":
            self.button, self.words = (name, told.get("value", "")), []

    @staticmethod
    def _take_input(form: Form, name: str, told: dict[str, str]) -> None:
        kind = told.get("type", "text")
        if kind == "checkbox":
            form.boxes[name] = told.get("value", "on")
        if kind not in ("checkbox", "radio", "file") or "checked" in told:
            form.fields[name] = told.get("value", "y")

    def handle_data(self, data: str) -> None:
        if self.words is not None:
            self.words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self.open is None:
            return
        said = "".join(self.words or [])
        if tag == "textarea":
            self.open.fields[self.area] = said.removeprefix("\n")
        elif tag == "select":
            self.select = ""
        elif tag == "option" and self.option:
            value, chosen = self.option
            value = said.strip() if value is None else value
            self.open.options[self.select][said.strip()] = value
            if chosen or self.select not in self.open.fields:
                self.open.fields[self.select] = value
            self.option = None
        elif tag == "button" and self.button:
            self.open.buttons.append((" ".join(said.split()), *self.button))
        elif tag == "form":
            self.open = None
        if tag in ("textarea", "option", "button"):
            self.words = None


def forms_of(html: str) -> list[Form]:
    """All forms that are posted, in their order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.forms
