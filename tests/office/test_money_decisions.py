"""What moves money waits for a second person: voids, moves, transfers, payouts and debts that are given up."""

from collections.abc import AsyncIterator, Sequence

import pytest

from bot.config import Config
from handlers.office.money import wallets as wallet_pages
from models.money import wallets
from models.money.books import find_fault
from models.money.ledger import AccountKind, Posting
from models.money.reservations import promised_by, reserve
from models.people import Agent, Customer
from models.sql import HOUR_MS, now_ms
from tests.world.books import book
from tests.world.money_desk import Desk, open_desk
from tests.world.people import PEOPLE, Phones

pytestmark = pytest.mark.everyday_on_sqlite
WAITS = "/money/voids"


@pytest.fixture
async def desk(config: Config) -> AsyncIterator[Desk]:
    async with open_desk(config) as desk:
        yield desk


async def the_proposal(desk: Desk) -> str:
    [row] = await desk.ask("SELECT id FROM proposal WHERE state = 'asked'")
    return f"/money/proposals/{row['id']}"


async def told(desk: Desk) -> int:
    """How many texts there are to people."""
    [row] = await desk.ask("SELECT COUNT(*) AS texts FROM outbox")
    return int(row["texts"])


async def test_a_sale_is_taken_back_by_two(desk: Desk) -> None:
    path = f"/money/sales/{await desk.sold()}"
    html = await desk.refused(f"{path}/void", at=path, reason=" ")
    assert "Please fill this in." in html
    await desk.done(f"{path}/void", at=path, reason="wrong amount")
    assert "rehema wants it taken back: wrong amount" in await desk.page(path)
    page = await desk.page(WAITS)
    assert "You asked for it: another one has to agree." in page and "Agree: do it" not in page
    assert "rehema asked for it" in await desk.refused("/money/voids/1", at=WAITS, do="approve")
    await desk.sit("zuberi")
    await desk.done("/money/voids/1", at=WAITS, do="approve")
    assert "Taken back: wrong amount" in await desk.page(path) and "TZS 0 0 sales" in await desk.page("/money")
    assert "Nobody asks for it any more." in await desk.refused("/money/voids/1", at=WAITS, do="approve")
    assert await find_fault() == ""


async def test_who_agrees_reads_that_the_cash_comes_out_of_the_till(desk: Desk) -> None:
    """The agent who took it is gone."""
    path = f"/money/sales/{await desk.sold(amount=4000)}"
    await desk.done("/people/agents/1/retire", at="/people/agents/1", sure="y", with_cash="y")
    await desk.done(f"{path}/void", at=path, reason="wrong bike")
    await desk.sit("zuberi")
    response = await desk.send("/money/voids/1", at=WAITS, do="approve")
    assert "give the customer the cash out of the till" in await desk.page(response.headers["Location"])
    assert "a sale of an agent who has left was taken back" in await desk.page("/money/till")


async def test_a_device_that_somebody_else_has_meanwhile_is_not_taken_back(desk: Desk) -> None:
    """The second person is told before and when the button is pressed, the sale stands, and saying no is open."""
    path = f"/money/sales/{await desk.sold()}"
    await desk.done(f"{path}/void", at=path, reason="wrong amount")
    await desk.sit("zuberi")
    assert "Agree: do it" in await desk.page(WAITS)
    baraka = await Customer.get(phone=PEOPLE["Baraka"])
    await desk.ask("UPDATE device SET customer_id = $1 WHERE serial = 'EB100042'", baraka.id)
    page = await desk.page(WAITS)
    assert "another customer's by now" in page and "Agree: do it" not in page and "Refuse" in page
    assert "by now, or over: the sale stands." in await desk.refused("/money/voids/1", at=WAITS, do="approve")
    assert "Taken back" not in await desk.page(path) and await find_fault() == ""
    await desk.done("/money/voids/1", at=WAITS, do="refuse")
    [void] = await desk.ask("SELECT state FROM void")
    assert void["state"] == "refused"


async def test_an_agents_wish_is_refused_and_the_sale_stands(desk: Desk) -> None:
    reference = await desk.sold()
    for text in (f"VOID {reference} wrong meter", "1 482915"):
        await Phones(desk.office.mwanga).text("Asha", text)
    assert "wrong meter" in await desk.page(WAITS)
    await desk.done("/money/voids/1", at=WAITS, do="refuse")
    assert "taken back" not in await desk.page(f"/money/sales/{reference}")
    [told] = await desk.ask("SELECT text FROM outbox ORDER BY id DESC LIMIT 1")
    assert told["text"].startswith("NOT VOID")


async def test_a_sale_that_is_taken_back_shows_all_that_was_booked_for_it(desk: Desk) -> None:
    bike = await desk.sold()
    await desk.office.sms("Asha", "CASH", "SELL 2, Solar lamp", "1 482915")
    [lamp] = await desk.ask("SELECT id, reference, contract_id FROM sale WHERE contract_id IS NOT NULL")
    for number, reference in enumerate((lamp["reference"], bike), 1):
        path = f"/money/sales/{reference}"
        await desk.sit("rehema")
        await desk.done(f"{path}/void", at=path, reason="wrong amount")
        await desk.sit("zuberi")
        await desk.done(f"/money/voids/{number}", at=WAITS, do="approve")
    keys = {row["key"] for row in await desk.ask("SELECT key FROM entry WHERE key NOT LIKE 'contract 1 %'")}
    pages = [await desk.page(f"/money/sales/{reference}") for reference in (lamp["reference"], bike)]
    assert f"contract {lamp['contract_id']} claw-back" in keys and f"sale {lamp['id'] - 1} claw-back" in keys
    assert [key for key in sorted(keys) if not any(f" {key} " in page for page in pages)] == []


async def test_a_form_about_a_wish_that_is_decided_says_nothing_about_a_later_one(desk: Desk) -> None:
    path = f"/money/sales/{await desk.sold()}"
    await desk.done(f"{path}/void", at=path, reason="wrong amount")
    await desk.sit("zuberi")
    await desk.done("/money/voids/1", at=WAITS, do="refuse")
    await desk.sit("rehema")
    await desk.done(f"{path}/void", at=path, reason="wrong device")
    await desk.sit("zuberi")
    for what in ("refuse", "approve"):
        assert "Nobody asks for it any more." in await desk.refused("/money/voids/1", at=WAITS, do=what)
    assert [row["state"] for row in await desk.ask("SELECT state FROM void ORDER BY id")] == ["refused", "asked"]


async def test_who_asks_second_for_a_sale_to_be_taken_back_reads_that_it_is(desk: Desk) -> None:
    """The page was drawn before the first one asked."""
    path = f"/money/sales/{await desk.sold()}"
    await desk.done(f"{path}/void", at=path, reason="wrong amount")
    await desk.sit("zuberi")
    response = await desk.send(f"{path}/void", at=path, reason="wrong amount")
    assert response.headers["Location"] == f"{path}?done=void"
    assert "The sale is taken back, and both sides get an SMS." in await desk.page(f"{path}?done=void")


async def test_a_sale_is_moved_by_two(desk: Desk) -> None:
    reference = await desk.sold()
    path = f"/money/sales/{reference}"
    html = await desk.refused(f"{path}/move", at=path, serial="NOPE1234", reason="typed wrong")
    assert "There is no device NOPE1234." in html and 'value="typed wrong"' in html
    html = await desk.refused(f"{path}/move", at=path, serial="9" * 60, reason="typed wrong")
    assert "That is too long." in html
    assert "The sale was for this device." in await desk.refused(
        f"{path}/move", at=path, serial="EB100042", reason="typed wrong"
    )
    for _twice in range(2):
        response = await desk.send(f"{path}/move", at=path, once="a form", serial="shs0283", reason="typed wrong")
        assert response.status == 303
    assert "rehema asked for it already" in await desk.refused(
        f"{path}/move", at=path, serial="SHS0283", reason="once more"
    )
    proposal = await the_proposal(desk)
    assert "Move sale" in await desk.page(WAITS)
    await desk.refused(proposal, at=WAITS, do="approve")
    await desk.sit("zuberi")
    await desk.done(proposal, at=WAITS, do="approve")
    assert "It was done again for the right device:" in await desk.page(path)
    assert "Neema Paulo, number 3" in await desk.page("/money/claims")
    baraka = (await Customer.get(phone=PEOPLE["Baraka"])).id
    assert "by cash" in await desk.page(f"/people/{baraka}"), "an agent took it, and not the counter"
    assert "Somebody else has decided it already." in await desk.refused(proposal, at=WAITS, do="approve")
    assert await find_fault() == ""


async def test_a_sale_that_was_moved_and_taken_back_is_off_the_first_page_too(desk: Desk) -> None:
    path = f"/money/sales/{await desk.sold()}"
    await desk.done(f"{path}/move", at=path, serial="SHS0283", reason="typed wrong")
    await desk.sit("zuberi")
    await desk.done(await the_proposal(desk), at=WAITS, do="approve")
    assert "Sales 1 TZS 4,000" in await desk.page("/")
    [again] = await desk.ask("SELECT reference FROM sale WHERE replaces_id IS NOT NULL")
    path = f"/money/sales/{again['reference']}"
    await desk.done(f"{path}/void", at=path, reason="wrong amount")
    await desk.sit("rehema")
    await desk.done(f"{path}/void", at=path, reason="wrong amount")
    assert "Sales 0 TZS 0" in await desk.page("/") and "TZS 0 0 sales" in await desk.page("/money")


async def test_a_device_goes_to_another_customer_by_two(desk: Desk) -> None:
    html = await desk.refused("/money/transfer", at=WAITS, serial="EB100042", customer="999", reason="sold")
    assert "There is no customer with this number." in html and 'value="999"' in html
    html = await desk.refused("/money/transfer", at=WAITS, serial="9" * 60, customer="1", reason="sold")
    assert "That is too long." in html
    amina = await Customer.get(phone=PEOPLE["Amina"])
    await desk.done("/money/transfer", at=WAITS, serial="EB100042", customer=str(amina.id), reason="sold it")
    assert "EB100042 goes to Amina Juma" in await desk.page(WAITS)
    await desk.sit("zuberi")
    await desk.done(await the_proposal(desk), at=WAITS, do="approve")
    [device] = await desk.ask("SELECT customer_id FROM device WHERE serial = 'EB100042'")
    assert device["customer_id"] == amina.id


async def test_who_asked_takes_it_back(desk: Desk) -> None:
    amina = await Customer.get(phone=PEOPLE["Amina"])
    await desk.done("/money/transfer", at=WAITS, serial="EB100042", customer=str(amina.id), reason="sold it")
    await desk.done(await the_proposal(desk), at=WAITS, do="refuse")
    assert "EB100042" not in await desk.page(WAITS)


async def with_wallet(desk: Desk) -> Agent:
    juma = await Agent.get(phone=PEOPLE["Juma"])
    async with desk.office.mwanga.database.work():
        await wallets.make_prepaid(juma, "test")
    return juma


async def test_money_comes_into_a_wallet_once_and_is_paid_out_by_two(desk: Desk) -> None:
    juma = await with_wallet(desk)
    path = f"/money/wallets/{juma.id}"
    assert "Please fill this in." in await desk.refused(f"{path}/topup", at="/money/wallets", amount="")
    html = await desk.refused(f"{path}/topup", at="/money/wallets", amount="0")
    assert "Please write an amount above 0." in html
    for _twice in range(2):
        response = await desk.send(f"{path}/topup", at="/money/wallets", once="one", amount="20,000")
        assert response.status == 303
    html = await desk.refused(f"{path}/topup", at="/money/wallets", amount="20000")
    assert "If this is other money, tick the box." in html and 'value="20000"' in html
    await desk.done(f"{path}/topup", at="/money/wallets", amount="20000", again="y")
    assert "Juma Said, +255700000002 TZS 40,000" in await desk.page("/money/wallets")
    html = await desk.refused(f"{path}/payout", at="/money/wallets", amount="50000", reason="leaves")
    assert "The wallet has TZS 40,000." in html and 'value="leaves"' in html
    await desk.done(f"{path}/payout", at="/money/wallets", amount="15000", reason="leaves")
    await desk.sit("zuberi")
    await desk.done(await the_proposal(desk), at=WAITS, do="approve")
    assert "TZS 25,000" in await desk.page("/money/wallets") and await find_fault() == ""


async def test_the_file_has_the_wallets_that_the_page_has_no_room_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What customers asked for stands on the page alone: PostgreSQL takes 32,767 values, and agents may be more."""
    asked: list[Sequence[int]] = []

    async def promised(agents: Sequence[int]) -> dict[int, int]:
        asked.append(agents)
        return await promised_by(agents)

    monkeypatch.setattr(wallet_pages, "MOST", 1)
    monkeypatch.setattr(wallet_pages, "promised_by", promised)
    await Agent.all().update(prepaid=True)
    await reserve("C1", AccountKind.WALLET, 1, 500_00, now_ms() + HOUR_MS)
    page = await desk.page("/money/wallets")
    assert "Asha Mushi" in page and "Juma Said" not in page and "2 more are in the CSV file." in page
    assert "Customers asked for TZS 500 of it." in page
    file = await (await desk.office.get("/money/wallets.csv")).text()
    assert [line.partition(",")[0] for line in file.splitlines()[1:]] == ["Asha Mushi", "Juma Said", "Zuhura Ali"]
    assert asked == [[1]]


async def test_a_claim_is_paid_in_part_and_the_rest_given_up_by_two(desk: Desk) -> None:
    path = f"/money/sales/{await desk.sold()}"
    await desk.done(f"{path}/move", at=path, serial="SHS0283", reason="typed wrong")
    await desk.sit("zuberi")
    await desk.done(await the_proposal(desk), at=WAITS, do="approve")
    neema = await Customer.get(phone=PEOPLE["Neema"])
    claim = f"/money/claims/{neema.id}"
    html = await desk.refused(f"{claim}/paid", at="/money/claims", amount="5000")
    assert "The customer owes TZS 4,000." in html and 'value="5000"' in html
    for _twice in range(2):
        assert (await desk.send(f"{claim}/paid", at="/money/claims", once="c", amount="1000")).status == 303
    assert "TZS 3,000" in await desk.page("/money/claims")
    await desk.done(f"{claim}/write-off", at="/money/claims", reason="moved away")
    assert "zuberi wants to give it up." in await desk.page("/money/claims")
    await desk.refused("/money/write-offs/1", at=WAITS, do="approve", seen="300000")
    await desk.sit("rehema")
    assert 'name="seen" value="300000"' in await desk.office.html(WAITS)
    html = await desk.refused("/money/write-offs/1", at=WAITS, do="approve", seen="400000")
    assert "It is TZS 3,000 by now" in html
    before = await told(desk)
    response = await desk.send("/money/write-offs/1", at=WAITS, do="approve", seen="300000")
    assert "Nobody gets an SMS of it." in await desk.page(response.headers["Location"]) and await told(desk) == before
    assert "Nobody owes anything." in await desk.page("/money/claims") and await find_fault() == ""


async def test_a_debt_on_a_plan_is_given_up_by_two_or_refused(desk: Desk) -> None:
    html = await desk.refused("/money/write-off", at=WAITS, number="S9999", reason="gone")
    assert "There is no plan S9999." in html and 'value="gone"' in html
    await desk.done("/money/write-off", at=WAITS, number="s 1001", reason="house burned down")
    assert "Plan S1001" in await desk.page(WAITS)
    await desk.sit("zuberi")
    await desk.done("/money/write-offs/1", at=WAITS, do="refuse")
    [off] = await desk.ask("SELECT amount FROM write_off")
    seen = str(off["amount"])
    html = await desk.refused("/money/write-offs/1", at=WAITS, do="approve", seen=seen)
    assert "Somebody else has decided it already." in html
    await desk.done("/money/write-off", at=WAITS, number="S1001", reason="once more")
    await desk.sit("rehema")
    before = await told(desk)
    response = await desk.send("/money/write-offs/2", at=WAITS, do="approve", seen=seen)
    assert "gets an SMS." in await desk.page(response.headers["Location"]) and await told(desk) == before + 1
    [contract] = await desk.ask("SELECT ending FROM contract")
    assert contract["ending"] == "written off" and await find_fault() == ""


async def test_what_is_another_debt_by_now_is_asked_for_and_not_done(desk: Desk) -> None:
    path = f"/money/sales/{await desk.sold()}"
    await desk.done(f"{path}/move", at=path, serial="SHS0283", reason="typed wrong")
    await desk.sit("zuberi")
    await desk.done(await the_proposal(desk), at=WAITS, do="approve")
    claim = f"/money/claims/{(await Customer.get(phone=PEOPLE['Neema'])).id}"
    await desk.done(f"{claim}/write-off", at="/money/claims", reason="moved away")
    await desk.done(f"{claim}/paid", at="/money/claims", amount="1000")
    await desk.sit("rehema")
    response = await desk.send("/money/write-offs/1", at=WAITS, do="approve", seen="400000")
    assert response.headers["Location"] == f"{WAITS}?done=changed"
    [off] = await desk.ask("SELECT amount, proposed_by, agreed_at FROM write_off")
    assert off == {"amount": 300000, "proposed_by": "rehema", "agreed_at": None}


async def test_credit_is_paid_out_by_two(desk: Desk) -> None:
    """From the customer's page: what is typed stays, and cash is given once."""
    neema = await Customer.get(phone=PEOPLE["Neema"])
    path = f"/people/{neema.id}"
    assert "Pay cash out of the credit" not in await desk.page(path)
    lines = Posting(AccountKind.OFFICE, 0, 4_000_00), Posting(AccountKind.CREDIT, neema.id, -4_000_00)
    await book("a test's credit", *lines)
    html = await desk.refused(f"{path}/credit", at=path, amount="5000", reason="it is paid off")
    assert "The credit is TZS 4,000." in html and 'value="it is paid off"' in html
    await desk.done(f"{path}/credit", at=path, amount="4000", reason="it is paid off")
    assert f"credit of Neema Paulo, number {neema.id} TZS 4,000" in await desk.page(WAITS)
    proposal = await the_proposal(desk)
    await desk.refused(proposal, at=WAITS, do="approve")
    await desk.sit("zuberi")
    await desk.done(proposal, at=WAITS, do="approve")
    assert "Pay cash out of the credit" not in await desk.page(path)
    [told] = await desk.ask("SELECT text FROM outbox ORDER BY id DESC LIMIT 1")
    assert told["text"] == "PAID OUT TZS 4,000 of your credit. Credit left: 0."
    assert "TZS -4,000 a customer's credit was paid out it is paid off" in await desk.page("/money/till")
    assert await find_fault() == ""


async def test_only_who_moves_money_pays_credit_out(desk: Desk) -> None:
    await desk.sit("tatu")
    assert (await desk.send("/people/3/credit", at="/people/3", amount="1", reason="so")).status == 403
