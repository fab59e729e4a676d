"""What the owner does on the page of users, and what stands there: links, numbers, and an app's codes."""

import re
from html import unescape

from models.demo.world import OFFICE_PASSWORD
from models.people.second_factor import STEP_S, code_at
from models.sql import now_ms
from tests.world.browser import Office
from tests.world.hostile import check_inert

USERS = "/settings/users"


async def send(office: Office, path: str, page: str = USERS, **fields: str) -> tuple[int, str]:
    """A form of a page: the status, and the words of where it leads."""
    response = await office.post(path, csrf=await office.csrf(page), **fields)
    if response.status == 303:
        return 303, await office.html(response.headers["Location"].partition("#")[0])
    return response.status, await response.text()


async def sign_in_anew(office: Office) -> None:
    """The owner, in a browser that is new."""
    office.client.session.cookie_jar.clear()
    assert (await office.sign_in()).status == 303


async def number_of(office: Office, name: str) -> int:
    [row] = await office.ask("SELECT id FROM officeuser WHERE name = $1 AND removed_at IS NULL", name)
    return int(row["id"])


def links_of(html: str) -> list[str]:
    return [unescape(link).partition("8080")[2] for link in re.findall(r'value="(http[^"]*/invitation/[^"]*)"', html)]


def code_of(secret: str, steps: int = 0) -> str:
    return code_at(secret, now_ms() // 1000 // STEP_S + steps)


def wrong_codes(secret: str, count: int) -> list[str]:
    """Codes that are wrong now, and in the steps around: any six digits may be right by chance."""
    right = {code_of(secret, steps) for steps in range(-2, 3)}
    return [code for code in (f"{n:06}" for n in range(count + len(right))) if code not in right][:count]


async def set_up(office: Office, password: str = OFFICE_PASSWORD) -> tuple[str, list[str]]:
    """Set up an app: its secret, and the recovery codes."""
    html = await office.html("/me/second-factor")
    secret = re.findall(r"<code>([A-Z2-7 ]+)</code>", html)[0].replace(" ", "")
    sealed = unescape(re.findall(r'name="sealed" value="([^"]*)"', html)[0])
    check_inert(html)
    csrf = re.findall(r'name="csrf" value="([0-9a-f]+)"', html)[0]
    [code] = wrong_codes(secret, 1)
    wrong = await office.post("/me/second-factor", csrf=csrf, sealed=sealed, code=code, password=password)
    assert wrong.status == 422 and secret in (await wrong.text()).replace(" ", "")
    response = await office.post("/me/second-factor", csrf=csrf, sealed=sealed, code=code_of(secret), password=password)
    codes = re.findall(r"<code>([A-Z2-9-]{19})</code>", await response.text())
    assert response.status == 200 and len(codes) == 10
    return secret, codes
