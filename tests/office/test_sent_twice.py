"""Each form of the desk is sent twice, and done once; and two browsers that have the same page open both send its form:
the second is told, or finds it done.

The forms are those of `presses.py`, which has one for each route of the table that takes one. Beside what is named here
the second of them changes nothing in any table; that somebody asked is noted again."""

import re
from dataclasses import dataclass, field
from http.cookies import Morsel
from itertools import takewhile
from pathlib import Path
from typing import Any

import aiohttp
import pyotp
import pytest

from tests.world.full_desk import FullDesk, open_full_desk
from tests.world.html_forms import Form, forms_of
from tests.world.office_paths import MOVING
from tests.world.presses import ALL_PRESSES, PASSWORDS, Press

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("engine", ["sqlite"])]

# What is done again when the very same form is sent again, and why that is right.
AGAIN = {
    "/settings/prices/tariffs/file": "the file is checked once more; it is kept for a day, and written once",
    "/settings/gateways/test": "each press is a test, as each hour one leaves",
    "/settings/users/invite": "another link, beside the first one in the list: either can be withdrawn",
    "/settings/users/{second}/password": "another link, beside the first one in the list: either can be withdrawn",
    "/settings/users/{coded}/second-factor": "it is away already; sessions that were begun meanwhile end as well",
}
# What is left out: who sends it twice is somebody else by the second time.
ENDS_A_SESSION = {
    "/typed": "what was typed is thrown away with it, and leads to the first page",
    "/me/password": "the old password is none any more",
    "/logout": "nobody is signed in any more",
}
# What is done again when another browser sends the same, whose page was drawn before.
BY_ANOTHER = AGAIN | {
    "/people/agents/{salome}/commission": "two people pay commission out, never more than is due",
    "/people/agents/{salome}/pin": "the newest PIN counts",
    "/money/claims/{claim}/paid": "a customer pays in two parts, never more than is owed",
    "/settings/gateways/try": "two people try a gateway",
}
# Tables that change by themselves, and the notes of who asked.
UNSTEADY = MOVING | {"alert", "audit", "inbox", "contact"}
UNSTEADY |= {
    "added_up",
    "collection",
    "money_day",
    "money_sum",
    "money_week",
    "name_change",
    "name_trace",
    "name_turn",
    "name_word",
}
STEADY = {  # of tables that change by themselves
    "outbox": "SELECT origin, phone, text FROM outbox ORDER BY id",
    "phone": "SELECT id, name, paused, sims, unlinked_at FROM phone ORDER BY id",
}
CODES = re.compile(r"<li><code>([^<]+)</code>")
TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"


@dataclass
class Sender:
    """Whoever sits at the desk now, and the page that was answered last."""

    desk: FullDesk
    who: str = ""
    html: str = ""
    kept: dict[str, list[Morsel[str]]] = field(default_factory=dict)  # cookies of those who sat there

    async def sit(self, who: str) -> None:
        """Let another one sit down, signed in as before or anew."""
        client = self.desk.office.client
        if who == self.who:
            return
        self.kept[self.who] = list(client.session.cookie_jar)
        client.session.cookie_jar.clear()
        for cookie in self.kept.get(who, ()):
            client.session.cookie_jar.update_cookies({cookie.key: cookie.value}, client.make_url("/"))
        if who in PASSWORDS and who not in self.kept:
            assert (await self.desk.office.sign_in(who, PASSWORDS[who])).status == 303
        self.who = who

    async def fill(self, press: Press) -> tuple[str, dict[str, Any]]:
        """The form as it is drawn now, filled in: where it leads, and what it sends."""
        at, to = await self.desk.fill_in(press.at), await self.desk.fill_in(press.to)
        html = await self.desk.office.html(at) if at else self.html
        name, _equals, value = press.hidden.partition("=")
        for form in forms_of(html):
            leads = form.action.startswith(to) if to.endswith("?") else form.action == to
            meant = not press.hidden or form.fields.get(name) == value
            if leads and meant and any(press.button in words for words, _name, _value in form.buttons):
                return form.action.partition("#")[0] or at, await self._typed(press, form, html)
        raise AssertionError(f"there is no form to {to} at {at}")

    async def _typed(self, press: Press, form: Form, html: str) -> dict[str, Any]:
        sent: dict[str, Any] = dict(form.fields)
        for name, typed in press.typed.items():
            if typed is True:
                sent[name] = form.boxes[name]
            elif typed == "{shown}":
                [secret] = re.findall(r"<p><code>([A-Z0-9 ]+)</code>", html)
                sent[name] = pyotp.TOTP(secret.replace(" ", "")).now()
            elif isinstance(typed, bytes):
                sent[name] = typed
            else:
                said = await self.desk.fill_in(str(typed))
                sent[name] = form.options.get(name, {}).get(said, said)
        pressed = next((name, value) for words, name, value in form.buttons if press.button in words)
        return sent | dict([pressed] if pressed[0] else [])

    async def send(self, to: str, sent: dict[str, Any]) -> int:
        """Send it, and look at the page that answers, or to which that leads."""
        office, data = self.desk.office, aiohttp.FormData()
        for name, value in sent.items():
            file = {"filename": "file.csv", "content_type": "text/csv"} if isinstance(value, bytes) else {}
            data.add_field(name, value, **file)
        response = await office.client.post(to, data=data, allow_redirects=False)
        self.html = await response.text()
        if response.status == 303:
            self.html = await (await office.client.get(response.headers["Location"])).text()
        self.desk.codes = CODES.findall(self.html) or self.desk.codes
        return response.status

    async def state(self) -> dict[str, object]:
        """All rows that do not change by themselves, by table."""
        names = [row["name"] for row in await self.desk.office.ask(TABLES)]
        kept = {name: STEADY.get(name, f"SELECT * FROM {name}") for name in names if name not in UNSTEADY}
        return {name: await self.desk.office.ask(statement) for name, statement in kept.items()}

    async def try_out(self, press: Press) -> list[str]:
        """Send a form, the same again, and that of another browser: what is wrong with that."""
        await self.sit(press.who)
        if press.before:
            await press.before(self.desk.office)
        codes = list(self.desk.codes)
        to, form = await self.fill(press)
        self.desk.codes = codes
        other = (await self.fill(press))[1] if press.at else form
        await self.send(to, form)
        done, shown = await self.state(), self.html
        wrong = [] if press.says in re.sub(r"<[^>]*>", "", shown) else ["does not do what it says"]
        again = await self.send(to, form)
        wrong += self._compare("sent again", again, done, now := await self.state(), press.to in AGAIN)
        by_another = await self.send(to, other)
        wrong += self._compare("sent by another", by_another, now, await self.state(), press.to in BY_ANOTHER)
        self.html = shown  # from which the next form may be sent
        return wrong

    @staticmethod
    def _compare(how: str, status: int, then: dict[str, object], now: dict[str, object], expected: bool) -> list[str]:
        changed = [name for name in then if then[name] != now[name]]
        wrong = [f"{how} answers {status}"] if status >= 500 else []
        if bool(changed) is not expected:
            wrong.append(f"{how} changes {', '.join(changed) or 'nothing by now'}")
        return wrong


async def test_each_form_is_done_once(empty_url: str, tmp_path: Path) -> None:
    async with open_full_desk(empty_url, tmp_path) as desk:
        desk.office.mwanga.broadcasts.stop()  # by day it writes to many by itself, and keeps what became of that
        sender = Sender(desk)
        presses = list(takewhile(lambda press: not press.late, ALL_PRESSES))
        wrong = [f"{press.at} to {press.to}: {said}" for press in presses for said in await sender.try_out(press)]
    assert not wrong, "\n".join(wrong)
    assert set(BY_ANOTHER) <= {press.to for press in presses}
    assert {press.to for press in ALL_PRESSES} - {press.to for press in presses} == set(ENDS_A_SESSION)
