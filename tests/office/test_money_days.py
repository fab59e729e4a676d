"""The figures of money by day, agent, provider and mini-grid; sales and payments as lists, with their files."""

import re
from collections.abc import AsyncIterator

import pytest

from bot.config import Config
from handlers.office.money import handins, payments, sales
from models.audit import Audit
from models.money.ledger import AccountKind, Posting
from models.office import money_lists
from models.people import Agent
from tests.world.books import book
from tests.world.money_desk import Desk, open_desk
from tests.world.people import Phones

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def desk(config: Config) -> AsyncIterator[Desk]:
    async with open_desk(config) as desk:
        yield desk


async def test_the_days_show_what_was_sold_and_paid_and_by_whom(desk: Desk) -> None:
    await desk.sold(amount=4000)
    await desk.paid("RKL1", 7000, "SHS0283")
    page = await desk.page("/money")
    assert "TZS 11,000 2 sales" in page and "TZS 11,000 2 payments" in page
    assert "Asha Mushi, +255700000001 1 4,000 4,000" in page
    assert "No agent: paid by phone or to the bank 1 7,000 7,000" in page
    assert "cash 1 4,000 4,000" in page and "daraja 1 7,000 7,000" in page
    assert "Mtwara North 2 11,000" in page
    html = await desk.office.html("/money?provider=daraja")
    assert html.count("<rect ") == 28 and ": TZS 7,000</title>" in html
    assert "TZS 4,000 1 sale" in await desk.page("/money?agent=1")
    assert "TZS 0 0 sales" in await desk.page("/money?grid=2")
    assert "TZS 0 0 sales" in await desk.page("/money?since=2026-01-01&until=2026-01-31")


async def test_nobody_says_how_much_was_paid_in_a_mini_grid(desk: Desk) -> None:
    """A payment is of none: "TZS 0 paid" beside what was sold there would be wrong."""
    await desk.sold(amount=4000)
    page = await desk.page("/money?grid=1")
    assert "Sold TZS 4,000 1 sale" in page and "Paid TZS 0" not in page and "0 payments" not in page
    file = await (await desk.office.get("/money/days.csv?grid=1")).text()
    assert file.splitlines()[-1].endswith(",1,4000,400,,")


@pytest.mark.parametrize(
    "query", ["since=x", "agent=-1", "agent=" + "9" * 40, "before=abc", "since=0001-01-01&until=9999-12-31"]
)
async def test_what_cannot_be_read_in_an_address_is_as_if_it_was_not_there(desk: Desk, query: str) -> None:
    for path in ("/money", "/money/sales", "/money/payments", "/money/handins", "/money/reconcile", "/money/month"):
        assert (await desk.office.get(f"{path}?{query}")).status == 200


async def test_the_month_of_each_agent(desk: Desk) -> None:
    await desk.sold(amount=4000)
    page = await desk.page("/money/month")
    assert "Asha Mushi Mtwara North 1 4,000 400 0 4,000 400" in page
    file = await (await desk.office.get("/money/month.csv")).text()
    assert file.splitlines()[1] == "Asha Mushi,+255700000001,Mtwara North,1,4000,400,0,0,0,4000,0,400"


async def test_the_month_adds_up_what_it_shows(desk: Desk) -> None:
    """Juma had cash in hand, handed it in, and sells from a wallet since."""
    till = Posting(AccountKind.DAYS, 0, -50000)
    await book("taken", Posting(AccountKind.CASH, 2, 50000), till)
    await desk.sold(amount=4000)
    await desk.done("/people/agents/2/cash", at="/people/agents/2", amount="500")
    terms = {"limit": "50000", "commission": "10", "goods_commission": "0", "prepaid": "y"}
    seen = re.search(r'name="seen" [^>]*value="([^"]+)"', await desk.office.html("/people/agents/2"))
    assert seen
    await desk.done("/people/agents/2/terms", at="/people/agents/2", seen=seen[1], **terms)
    await desk.done("/people/agents/2/topup", at="/people/agents/2", amount="300")
    page = await desk.page("/money/month")
    assert "Juma Said Mtwara North 0 0 0 500 300 into the wallet 300 in the wallet 0" in page
    assert "All 1 4,000 400 500 300 into the wallet 4,000 300 in the wallet 400" in page


async def test_the_month_says_which_commission_was_kept_out_of_the_cash(desk: Desk) -> None:
    """Else what was sold is more than what was handed in and what is held."""
    await desk.sold(amount=4000)
    await desk.done("/people/agents/1/cash", at="/people/agents/1", amount="3000")
    page = await desk.page("/money/month")
    assert "Asha Mushi Mtwara North 1 4,000 400 3,000 commission 400 paid out 600 0" in page
    assert "All 1 4,000 400 3,000 commission 400 paid out 600 0" in page


async def test_who_has_left_stands_in_the_month_as_long_as_commission_is_due_or_was_paid(desk: Desk) -> None:
    due = [Posting(AccountKind.COMMISSION_COST, 0, 40000), Posting(AccountKind.COMMISSION, 2, -40000)]
    await book("earned before", *due)
    await desk.done("/people/agents/2/retire", at="/people/agents/2", sure="y")
    assert "Juma Said (retired) Mtwara North 0 0 0 0 0 400" in await desk.page("/money/month")
    await desk.done("/people/agents/2/commission", at="/people/agents/2", amount="400")
    file = await (await desk.office.get("/money/month.csv")).text()
    assert "Juma Said,+255700000002,Mtwara North,0,0,0,0,400,0,0,0,0" in file


async def test_the_month_of_more_than_two_thousand_agents_has_them_all(desk: Desk) -> None:
    """The page shows the first hundred, adds up all, and leaves the others to the file."""
    more = [
        Agent(phone=f"+2557540{n:05d}", name=f"Agent {n:04d}", language="en", mini_grid_id=1, pin_hash="", cash_limit=0)
        for n in range(2_000)
    ]
    await Agent.bulk_create(more)
    zuhura = await Agent.get(name="Zuhura Ali")
    await book("taken", Posting(AccountKind.CASH, zuhura.id, 70000), Posting(AccountKind.DAYS, 0, -70000))
    lines = (await (await desk.office.get("/money/month.csv")).text()).splitlines()
    assert len(lines) == 1 + 2_003 and lines[-1].startswith("Zuhura Ali,")
    page = await desk.page("/money/month")
    assert "All 0 0 0 0 700 0" in page and "the CSV file has all" in page


async def test_sales_are_listed_fifty_at_a_time(desk: Desk) -> None:
    reference = await desk.sold(amount=4000)
    page = await desk.page("/money/sales")
    assert reference in page and "Neema Paulo, EB100042: 2 days" in page and "Older" not in page
    assert reference not in await desk.page("/money/sales?agent=2")
    assert reference not in await desk.page("/money/sales?void=yes")
    assert reference in await desk.page("/money/sales?provider=cash&grid=1")
    [row] = await desk.ask("SELECT id FROM sale")
    assert reference not in await desk.page(f"/money/sales?before={row['id']}")


async def test_older_sales_are_behind_a_link(config: Config) -> None:
    many = config.model_copy(update={"demo_customers": 0})
    async with open_desk(many) as desk:
        await desk.sold(amount=2000)
        columns = "payment_id, customer_id, device_id, agent_id, amount, unit, units, commission, created_at"
        for n in range(60):
            await desk.ask(
                "INSERT INTO payment (provider, reference, amount, currency, paid_at, created_at) "
                "SELECT 'cash', $1, 100, 'TZS', created_at, created_at FROM payment LIMIT 1",
                f"test {n}",
            )
            await desk.ask(
                f"INSERT INTO sale (reference, key, {columns}) SELECT $1, $2, (SELECT MAX(id) FROM payment),"
                " customer_id, device_id, agent_id, 100, 'days', 1, 0, created_at FROM sale ORDER BY id LIMIT 1",
                f"T{n:04d}",
                f"test {n}",
            )
        html = await desk.office.html("/money/sales")
        assert html.count('<a href="/money/sales/') == 50
        older = html.split('href="/money/sales?')[-1].split('"')[0].replace("&amp;", "&")
        second = await desk.office.html(f"/money/sales?{older}")
        assert second.count('<a href="/money/sales/') == 11 and "before=" not in second.split("Older")[-1]
        lines = (await (await desk.office.get("/money/sales.csv")).text()).splitlines()
        assert len(lines) == 62


async def test_a_file_has_all_that_fits_however_far_between_it_stands(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By some filters the page looks through so many rows at a time: the file goes on until there are no more."""
    monkeypatch.setattr(money_lists, "LOOK", 2)
    for each in (sales, payments):
        monkeypatch.setattr(each, "PORTION", 2)
    await desk.sold(amount=2000)
    for n in range(9):
        await desk.paid(f"RKL{n}", 1000, "SHS0283", provider="daraja" if n % 4 else "momo")
    for path, rows in (("/money/sales.csv?provider=momo", 3), ("/money/payments.csv?agent=1", 1)):
        lines = (await (await desk.office.get(path)).text()).splitlines()
        assert len(lines) == 1 + rows, path
    assert len((await (await desk.office.get("/money/sales.csv")).text()).splitlines()) == 1 + 10
    page = await desk.page("/money/sales?provider=cash")
    assert "No sale fits among the 2 that were looked through." in page and "Look further" in page


async def test_the_file_of_hand_ins_is_read_a_portion_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handins, "PORTION", 1)
    await desk.sold(amount=4000)
    for amount in (100, 200, 300, 400):
        await desk.done("/people/agents/1/cash", at="/people/agents/1", amount=str(amount))
    lines = (await (await desk.office.get("/money/handins.csv")).text()).splitlines()[1:]
    assert [int(line.split(",")[4]) for line in lines] == [400, 300, 200, 100]


async def test_a_file_is_safe_for_spreadsheets_and_noted(desk: Desk) -> None:
    await desk.paid("RKL1", 7000, '=HYPERLINK("http://bad")')
    response = await desk.office.get("/money/payments.csv?provider=daraja")
    text = await response.text()
    assert response.headers["Content-Disposition"].startswith('attachment; filename="mwanga-payments-')
    assert (await response.read()).startswith(b"\xef\xbb\xbf"), "a mark for Excel stands before it"
    assert "'=HYPERLINK" in text
    noted = await Audit.get(action="export")
    assert (noted.actor, noted.subject, noted.detail) == ("rehema", "payments", "provider=daraja")


async def test_one_sale_shows_its_parts_and_entries_and_stars_its_token(desk: Desk) -> None:
    reference = await desk.sold("SHS0283", 8000)
    [token] = await desk.ask("SELECT digits FROM token")
    path = f"/money/sales/{reference}"
    page = await desk.page(path)
    assert token["digits"] not in page and "*" * len(token["digits"]) in page
    assert "Instalment 1 of S1001" in page and "Sold by Asha Mushi, who earned TZS 800." in page
    assert "sale 1 payment cash 1 8,000 +255700000001" in page
    assert (await desk.office.get("/money/sales/ZZZZZ")).status == 404
    assert token["digits"] not in await desk.page(path.lower())


async def test_one_sale_says_what_its_seller_was_told_to_have_earned_on_goods(desk: Desk) -> None:
    """Of a price 5 %: of the first 100, of all that was paid at once, and of what is paid on it later."""
    for sells, earned in (("SELL 2, Solar lamp", 5), ("SELL 2, Radio, cash", 750), ("PAY S1002 200", 30)):
        for text in (sells, "1 482915"):
            await Phones(desk.office.mwanga).text("Asha", text)
        [row] = await desk.ask("SELECT reference FROM sale ORDER BY id DESC LIMIT 1")
        page = await desk.page(f"/money/sales/{row['reference']}")
        assert f"Sold by Asha Mushi, who earned TZS {earned}." in page


async def test_a_token_is_shown_to_who_says_why_and_that_is_noted(desk: Desk) -> None:
    reference = await desk.sold()
    path, [token] = f"/money/sales/{reference}", await desk.ask("SELECT digits FROM token")
    assert "Please fill this in." in await desk.refused(f"{path}/token", at=path, reason="")
    response = await desk.send(f"{path}/token", at=path, reason="she lost her SMS")
    assert response.status == 200 and token["digits"] in await response.text()
    noted = await Audit.get(action="token shown")
    assert (noted.actor, noted.subject, noted.detail) == ("rehema", reference, "she lost her SMS")
    assert token["digits"] not in await desk.page(path)


async def test_who_has_another_role_reads_and_does_nothing(config: Config) -> None:
    async with open_desk(config, "omari") as desk:
        reference = await desk.sold()
        payment = await desk.paid("RKL1", 7000, "nobody's")
        for path in ("/money", f"/money/sales/{reference}", f"/money/payments/{payment}", "/money/voids"):
            html = await desk.office.html(path)
            assert html.count('<form method="post"') == 1, f"{path} offers nothing but signing out"
        for name in ("omari", "tatu"):
            await desk.sit(name)
            for path in (
                *(f"/money/sales/{reference}/void", f"/money/payments/{payment}/assign", "/money/voids/1"),
                *("/money/proposals/1", "/money/close", "/money/books", "/money/reconcile", "/money/transfer"),
            ):
                csrf = await desk.office.csrf("/money")
                assert (await desk.office.post(path, csrf=csrf)).status == 403, path


async def test_the_pages_say_of_which_commission_they_speak(desk: Desk) -> None:
    for path in ("/money", "/money/month"):
        assert "What is earned on appliances stands in the commission due alone." in await desk.page(path)
