"""Payments for nobody: taken on oneself, assigned in parts, once; pushes that nobody knows; hand-ins that are wrong."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from tortoise.exceptions import OperationalError

from bot.config import Config
from handlers.account.hand_in import take_hand_in
from handlers.office.money import doing, payments
from handlers.office.money.payments import WHY
from handlers.selling.moved import move_by_office
from handlers.selling.received import assign_payment
from models.devices import Device, with_owner
from models.money import reconciling, waiting
from models.money.books import find_fault
from models.money.payments import Payment
from models.money.receiving import Why
from models.money.reconciling import Said
from models.money.statements import Direction
from models.office import money_waiting
from models.people import Agent, Customer, OfficeUser
from models.selling import Sale, voids
from models.selling.requests import PaymentRequest, Wanted, ask_to_pay
from tests.world.at_once import happen_meanwhile
from tests.world.money_desk import Desk, open_desk
from tests.world.people import NOON, PEOPLE

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.fixture
async def desk(config: Config) -> AsyncIterator[Desk]:
    async with open_desk(config) as desk:
        yield desk


@pytest.mark.parametrize("sort", money_waiting.SORTS)
async def test_each_sort_that_waits_stands_on_the_page_of_money(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    counts = [f"SELECT '{each}' AS sort, {3 * (each == sort)} AS number" for each in money_waiting.SORTS]
    monkeypatch.setattr(money_waiting, "COUNT_ALL", " UNION ALL ".join(counts))
    page = await desk.page("/money")
    assert "This waits for somebody of the office 3 " in page


async def test_who_finds_out_is_written_down_and_given_back(desk: Desk) -> None:
    number = await desk.paid("RKL1", 7000, "0712 lost", phone=PEOPLE["Baraka"])
    found = await desk.office.get("/find?q=rkl1")
    assert found.headers["Location"] == f"/money/payments/{number}"
    page = await desk.page("/money/suspense")
    assert "daraja RKL1 TZS 7,000" in page and "typed “0712 lost”" in page and "1 payment waits." in page
    assert "Nothing of ours goes by what was typed." in page
    await desk.done(f"/money/payments/{number}/care", at="/money/suspense", back="suspense")
    assert "rehema finds out." in await desk.page("/money/suspense?owner=rehema")
    assert "RKL1" not in await desk.page("/money/suspense?owner=-")
    assert "RKL1" not in await desk.page("/money/suspense?why=several")
    await desk.done(f"/money/payments/{number}/care", at=f"/money/payments/{number}", do="leave")
    assert "Nobody looks after it." in await desk.page(f"/money/payments/{number}")


async def test_a_payment_is_assigned_in_parts_and_everybody_is_told(desk: Desk) -> None:
    number = await desk.paid("RKL1", 7000, "lost", phone=PEOPLE["Baraka"])
    path = f"/money/payments/{number}"
    page = await desk.page(path)
    assert "SHS0283, Baraka Peter" in page, "what belongs to the payer is offered"
    neema = (await Customer.get(phone=PEOPLE["Neema"])).id
    assert f"the credit of Neema Paulo, number {neema}" in await desk.page(f"{path}?q={neema}")
    await desk.done(f"{path}/assign", at=path, to="device SHS0283", amount="5000")
    assert "Waits TZS 2,000" in await desk.page(path)
    await desk.done(f"{path}/assign", at=f"{path}?q=neema", to=f"customer {neema}", q="neema")
    page = await desk.page(path)
    assert "Waits TZS 0" in page and "Assign it" not in page
    assert "RKL1" not in await desk.page("/money/suspense")
    assert [row["phone"] for row in await desk.ask("SELECT phone FROM outbox ORDER BY id DESC LIMIT 1")] == [
        PEOPLE["Neema"]
    ]
    assert await find_fault() == ""


async def test_who_assigns_to_what_can_take_nothing_reads_that_it_waits_on(desk: Desk) -> None:
    number = await desk.paid("RKL1", 7000, "lost", phone=PEOPLE["Baraka"])
    path = f"/money/payments/{number}"
    await desk.ask("UPDATE device SET tariff_id = NULL WHERE serial = 'EB100042'")
    await desk.office.html(path)
    response = await desk.send(f"{path}/assign", at=f"{path}?q=neema", to="device EB100042", q="neema")
    page = await desk.page(response.headers["Location"])
    assert "It waits on: nothing can be sold for that now." in page and "Waits TZS 7,000" in page
    assert "reads so" not in page, "nobody reads it twice, nor without a phone"
    assert not await desk.ask("SELECT 1 FROM sale")


async def test_what_is_refused_keeps_what_was_typed(desk: Desk) -> None:
    number = await desk.paid("RKL1", 7000, "lost", phone=PEOPLE["Baraka"])
    path = f"/money/payments/{number}"
    html = await desk.refused(f"{path}/assign", at=path, to="device SHS0283", amount="5k?")
    assert 'value="5k?"' in html and 'value="device SHS0283" checked' in html
    html = await desk.refused(f"{path}/assign", at=path, to="device SHS0283", amount="8000")
    assert "Of this payment TZS 7,000 waits." in html and 'value="8000"' in html
    html = await desk.refused(f"{path}/assign", at=path, amount="100")
    assert "Choose what it is for." in html
    html = await desk.refused(f"{path}/assign", at=path, to="device SHS0283", amount="0")
    assert "Of this payment TZS 7,000 waits." in html and 'value="0"' in html
    html = await desk.refused(f"{path}/assign", at=path, to="device NOPE77", amount="100")
    assert "Nothing of ours goes by NOPE77." in html
    assert not await desk.ask("SELECT 1 FROM sale")


async def test_a_form_that_comes_twice_says_what_became_of_it(desk: Desk) -> None:
    """Two quick clicks show the answer to the second one, which does nothing any more."""
    number = await desk.paid("RKL1", 7000, "lost", phone=PEOPLE["Baraka"])
    await desk.paid("RKL1", 9000, "lost", phone=PEOPLE["Baraka"])
    path = f"/money/payments/{number}"
    await desk.ask("UPDATE device SET tariff_id = NULL WHERE serial = 'EB100042'")
    forms = (("assign", {"to": "device EB100042", "q": "neema"}), ("amount", {"right": "700000", "reason": "seen"}))
    for form, fields in forms:
        for _twice in range(2):
            response = await desk.send(f"{path}/{form}", at=f"{path}?q=neema", once=f"this {form}", **fields)
        done = {"assign": "waits", "amount": "stands"}[form]
        assert response.headers["Location"] == f"{path}?done={done}"


async def test_the_same_form_sent_twice_assigns_once(desk: Desk) -> None:
    number = await desk.paid("RKL1", 7000, "lost", phone=PEOPLE["Baraka"])
    path = f"/money/payments/{number}"
    for _twice in range(2):
        response = await desk.send(f"{path}/assign", at=path, once="this form", to="device SHS0283", amount="3000")
        assert response.status == 303
    assert "Waits TZS 4,000" in await desk.page(path)
    assert len(await desk.ask("SELECT 1 FROM sale")) == 1


async def test_two_who_assign_the_same_payment_do_it_once(desk: Desk) -> None:
    number = await desk.paid("RKL1", 7000, "lost", phone=PEOPLE["Baraka"])
    path = f"/money/payments/{number}"
    await desk.office.html(path)
    await desk.done(f"{path}/assign", at=path, to="device SHS0283")
    await desk.sit("zuberi")
    html = await desk.refused(f"{path}/assign", at=path, to="device SHS0283")
    assert "somebody else has assigned it" in html
    assert len(await desk.ask("SELECT 1 FROM sale")) == 1


@pytest.mark.parametrize("engine", ["postgres"])
@pytest.mark.parametrize("to", ["device EB100042", "customer 1", "device W1"])
async def test_who_assigns_what_somebody_else_just_took_a_part_of_reads_what_is_left(desk: Desk, to: str) -> None:
    number, server = await desk.paid("RKL1", 7000, "lost", phone=PEOPLE["Baraka"]), desk.office.mwanga
    path, payment = f"/money/payments/{number}", await Payment.get(id=number)
    await desk.page(path)
    await Agent.filter(id=1).update(prepaid=True)
    refused = await happen_meanwhile(
        server,
        lambda: assign_payment(payment, "SHS0283", "zuberi", server.company, amount=3000_00),
        lambda: desk.refused(f"{path}/assign", at=path, to=to.replace("device W", "wallet W"), amount="7000"),
    )
    assert "TZS 4,000" in refused and len(await desk.ask("SELECT 1 FROM sale")) == 1


async def test_what_crosses_with_somebody_else_is_done_when_that_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has a row for three tenths of a second: it is asked for again after a while, not at once."""
    number, waited = await desk.paid("RKL1", 7000, "lost", phone=PEOPLE["Baraka"]), list[float]()

    async def pause(seconds: float) -> None:
        waited.append(seconds)

    async def cross(payment: Payment, name: str, actor: str) -> None:
        if sum(waited) < 0.3:
            raise OperationalError("could not obtain lock on row")
        await waiting.look_after(payment, name, actor)

    monkeypatch.setattr(doing, "asyncio", SimpleNamespace(sleep=pause))
    monkeypatch.setattr(payments, "look_after", cross)
    await desk.done(f"/money/payments/{number}/care", at=f"/money/payments/{number}")
    assert "rehema finds out." in await desk.page("/money/suspense?owner=rehema")


async def test_cash_that_waits_is_assigned(desk: Desk) -> None:
    """An agent's sale was moved to another device, and then taken back: the agent has the cash."""
    server, by = desk.office.mwanga, OfficeUser(name="omari")
    sale = await Sale.get(reference=await desk.sold())
    place = {"company": server.company, "composer": server.composer}
    async with server.database.work():
        right = await with_owner((await Device.get(serial="SHS0283")).id)
        moved = (await move_by_office(sale, right, by, **place)).sold.sale
        await voids.approve(moved, by, "not that either", today=NOON.date())
        await voids.approve(moved, OfficeUser(name="tatu"), today=NOON.date())
    path = f"/money/payments/{sale.payment_id}"
    assert "Waits TZS 4,000" in await desk.page(path)
    await desk.done(f"{path}/assign", at=path, to="device SHS0283", amount="3000")
    neema = (await Customer.get(phone=PEOPLE["Neema"])).id
    await desk.done(f"{path}/assign", at=path, to=f"customer {neema}")
    assert "Waits TZS 0" in await desk.page(path) and await find_fault() == ""


# Of these nobody knows whether they are paid: the other one had expired when its provider said that it is.
IN_DOUBT = pytest.mark.parametrize(("state", "code"), [("unknown", "timeout"), ("expired", "no receipt")])


async def push_in_doubt(desk: Desk, state: str, code: str) -> PaymentRequest:
    baraka = await Customer.get(phone=PEOPLE["Baraka"])
    wanted = Wanted(
        provider="daraja",
        phone=PEOPLE["Baraka"],
        language="en",
        amount=7000_00,
        account="SHS0283",
        customer_id=baraka.id,
    )
    [device] = await desk.ask("SELECT id FROM device WHERE serial = 'SHS0283'")
    async with desk.office.mwanga.database.work():
        request = await ask_to_pay(wanted, key="test")
        so = {"state": state, "code": code, "look_at": 0}
        await PaymentRequest.filter(id=request.id).update(**so, device_id=device["id"])
    return request


@IN_DOUBT
async def test_a_push_is_booked_by_the_receipt_of_the_portal(desk: Desk, state: str, code: str) -> None:
    push = await push_in_doubt(desk, state, code)
    assert (await money_waiting.count_all())["requests"] == 1
    path = f"/money/requests/{push.id}"
    page = await desk.page("/money/requests")
    assert "daraja, +255710000002, SHS0283 TZS 7,000" in page and f"is paid ({code}) looked up no more" in page
    assert "Please fill this in." in await desk.refused(path, at="/money/requests", do="receipt", reference="")
    await desk.done(path, at="/money/requests", do="receipt", reference="rkl 99")
    [sale] = await desk.ask("SELECT amount FROM sale")
    assert sale["amount"] == 7000_00 and "None." in await desk.page("/money/requests")
    assert "is paid already" in await desk.refused(path, at="/money", do="receipt", reference="RKL99")
    [noted] = await desk.ask("SELECT actor, detail FROM audit WHERE action = 'payments receipt'")
    assert (noted["actor"], noted["detail"]) == ("rehema", "rkl 99")


@IN_DOUBT
async def test_a_push_is_put_aside(desk: Desk, state: str, code: str) -> None:
    push = await push_in_doubt(desk, state, code)
    assert "Ask the provider again" in await desk.page("/money/requests")
    await desk.done(f"/money/requests/{push.id}", at="/money/requests", do="park")
    assert "is expired" in await desk.refused(f"/money/requests/{push.id}", at="/money", do="park")
    assert (await desk.send("/money/requests/999", at="/money", do="park")).status == 404
    assert (await desk.send(f"/money/requests/{push.id}", at="/money", do="dance")).status == 400


async def handed_in(desk: Desk) -> int:
    """Asha hands in 3,000, and says that it was 3,500."""
    await desk.sold(amount=4000)
    server, asha = desk.office.mwanga, await Agent.get(phone=PEOPLE["Asha"])
    async with server.database.work():
        await take_hand_in(asha, 3000_00, company=server.company, composer=server.composer, actor="rehema")
    [row] = await desk.ask("SELECT id, reference FROM hand_in")
    await desk.office.sms("Asha", f"DISPUTE {row['reference']} I gave 3500")
    return int(row["id"])


async def test_a_hand_in_is_settled_by_two(desk: Desk) -> None:
    number = await handed_in(desk)
    path = f"/money/handins/{number}"
    page = await desk.page("/money/handins")
    assert "“I gave 3500”" in page and "Asha Mushi TZS 3,000" in page
    assert "Please fill this in." in await desk.refused(path, at="/money/handins", amount="")
    html = await desk.refused(path, at="/money/handins", amount="3500x")
    assert 'value="3500x"' in html
    await desk.done(path, at="/money/handins", amount="3500")
    assert "another one has to agree" in await desk.page("/money/handins")
    assert "another one of the office has to agree" in await desk.refused(
        path, at="/money/handins", do="agree", seen="350000"
    )
    await desk.sit("zuberi")
    assert "Agree: it was TZS 3,500" in await desk.page("/money/handins")
    assert "Look at the amount again" in await desk.refused(path, at="/money/handins", do="agree")
    assert 'name="seen" value="350000"' in await desk.office.html("/money/handins")
    html = await desk.refused(path, at="/money/handins", do="agree", seen="340000")
    assert "It is TZS 3,500 by now" in html and "Not right, says somebody" in html
    await desk.done(path, at="/money/handins", do="agree", seen="350000")
    page = await desk.page("/money/handins")
    assert "settled" in page and "puts" in page and "Not right, says somebody" not in page
    assert "It is settled already." in await desk.refused(path, at="/money/handins", amount="3000")
    assert await find_fault() == ""


async def test_a_hand_in_that_the_office_counted_anew_waits_where_all_that_waits_stands(desk: Desk) -> None:
    """Nobody disputes it, and another one has to agree all the same."""
    await desk.sold(amount=4000)
    await desk.done("/people/agents/1/cash", at="/people/agents/1", amount="3000")
    assert "Nothing of the money waits." in await desk.page("/money")
    path = "/money/handins/1"
    for amount in ("3500", "3600"):
        await desk.done(path, at="/money/handins?settle=1", amount=amount)
        await desk.sit("zuberi")
        assert "1 hand-in counted anew" in await desk.page("/money")
    await desk.sit("rehema")
    await desk.done(path, at="/money/handins", do="agree", seen="360000")
    assert "Nothing of the money waits." in await desk.page("/money")
    assert "hand-in counted anew" not in await desk.page("/money") and await find_fault() == ""


async def test_who_types_no_amount_of_a_hand_in_reads_so_where_it_was_typed(desk: Desk) -> None:
    """Nobody disputes it: it stands among those that are not right because somebody wanted to say so."""
    await desk.sold(amount=4000)
    await desk.done("/people/agents/1/cash", at="/people/agents/1", amount="3000")
    html = await desk.refused("/money/handins/1", at="/money/handins?settle=1", amount="3k")
    assert 'value="3k"' in html and "3k is not clear: write 3000." in html


async def test_a_hand_in_that_is_disputed_waits_once(desk: Desk) -> None:
    number = await handed_in(desk)
    await desk.done(f"/money/handins/{number}", at="/money/handins", amount="3500")
    page = await desk.page("/money")
    assert "1 disputed hand-in" in page and "counted anew" not in page


def test_each_reason_to_wait_has_a_sentence() -> None:
    assert set(WHY) == set(Why)


async def test_which_of_two_amounts_is_right_takes_two_people_or_a_note(desk: Desk) -> None:
    """A doubt is no payment for nobody: its button leads to the amounts, and the difference is booked."""
    number = await desk.paid("RKL1", 5000, "SHS0283", phone=PEOPLE["Baraka"])
    path = f"/money/payments/{number}"
    async with desk.office.mwanga.database.work():
        line = Said(
            provider="daraja", reference="RKL1", direction=Direction.IN, amount=9_000_00, at=datetime.now(UTC)
        )  # fmt: skip
        await reconciling.add_line(line, actor="rehema")
    html = await desk.office.html("/money/suspense")
    assert f'href="{path}#amount"' in html and f'href="{path}#assign">Assign' not in html
    assert f'href="{path}#amount"' in await desk.office.html("/money/reconcile?provider=daraja")
    assert "TZS 5,000 as in the books" in await desk.page(path)
    html = await desk.refused(f"{path}/amount", at=path, right="900000")
    assert "Please fill this in." in html and 'value="900000" checked' in html
    assert "Choose the right amount." in await desk.refused(f"{path}/amount", at=path, right="x", reason="so")
    assert "Nobody says this amount." in await desk.refused(f"{path}/amount", at=path, right="800000", reason="so")
    await desk.done(f"{path}/amount", at=path, right="900000", reason="the portal says so")
    assert "rehema says that it is TZS 9,000." in await desk.page(path)
    assert "The right amount of daraja RKL1 TZS 9,000" in await desk.page("/money/voids")
    [row] = await desk.ask("SELECT id FROM proposal")
    await desk.sit("zuberi")
    await desk.done(f"/money/proposals/{row['id']}", at="/money/voids", do="approve")
    assert "Waits TZS 4,000" in await desk.page(path)
    assert "TZS 9,000 1 payment" in await desk.page("/money"), "what is right counts"
    assert "TZS 9,000 in the books" in await desk.page("/money/payments")
    page = await desk.page(path)
    assert "Amount TZS 5,000 TZS 9,000 in the books" in page and "amount, step 1" in page
    [_names, row] = (await (await desk.office.get("/money/payments.csv")).text()).splitlines()
    assert row.endswith(",5000,+255710000002,,SHS0283,,4000,9000")
    assert "TZS 0 0 payments" in await desk.page("/money?provider=cash")
    assert "Which amount is right?" not in await desk.page("/money/reconcile?provider=daraja")
    assert await find_fault() == ""


async def test_the_books_are_right_with_a_note(desk: Desk) -> None:
    number = await desk.paid("RKL1", 5000, "SHS0283", phone=PEOPLE["Baraka"])
    await desk.paid("RKL1", 9000, "SHS0283", phone=PEOPLE["Baraka"])
    path = f"/money/payments/{number}"
    assert "RKL1" in await desk.page("/money/suspense?why=amounts")
    await desk.done(f"{path}/amount", at=path, right="500000", reason="typed wrong at the provider's")
    assert "RKL1" not in await desk.page("/money/suspense") and "Which amount" not in await desk.page(path)
    [row] = await desk.ask("SELECT detail FROM audit WHERE action = 'amount stands'")
    assert row["detail"] == "typed wrong at the provider's"
