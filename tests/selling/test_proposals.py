"""What needs two people: asked by one, done when another agrees, once, and by nobody alone; on both engines."""

import asyncio

import pytest

from bot.server import Server
from handlers.customers.proposals import agree
from models.audit import Audit
from models.devices import Device, with_owner
from models.money import wallets
from models.money.books import find_fault
from models.money.ledger import AccountKind, Posting, post
from models.money.wallets import NotInWallet, in_wallet
from models.people import Agent, Customer, OfficeUser
from models.people.two_people import SamePerson
from models.selling import Contract, Sale
from models.selling.moving import SameDevice
from models.selling.ownership import MoreOwed, OtherOwner, OwnAlready, transfer
from models.selling.proposals import (
    AskedAlready,
    Decided,
    Proposal,
    open_proposals,
    propose_move,
    propose_payout,
    propose_transfer,
    refuse,
)
from models.selling.taking_back import VoidBefore
from models.selling.voids import approve
from models.sql import connection, execute
from tests.world.people import NOON, PEOPLE, Phones

REHEMA, ZUBERI = OfficeUser(name="rehema"), OfficeUser(name="zuberi")
TODAY = NOON.date()


async def sold(mwanga: Server) -> Sale:
    """Asha sells days for Neema's e-bike, which were meant for Baraka's."""
    phones = Phones(mwanga)
    await phones.text("Asha", "BUY EB100042 4000")
    await phones.text("Asha", "1 482915")
    return await Sale.all().order_by("-id").first()  # type: ignore[return-value]


async def done(mwanga: Server, number: int, by: OfficeUser = ZUBERI) -> Proposal:
    async with mwanga.database.work():
        return await agree(number, by, company=mwanga.company, composer=mwanga.composer)


async def with_wallet(mwanga: Server, amount: int) -> Agent:
    agent = await Agent.get(phone=PEOPLE["Juma"])
    async with mwanga.database.work():
        await wallets.make_prepaid(agent, "rehema")
        await wallets.top_up(agent, amount, "rehema", coin=mwanga.company.coin)
    return agent


async def test_a_sale_is_moved_when_a_second_person_agrees(mwanga: Server) -> None:
    sale, right = await sold(mwanga), await Device.get(serial="SHS0283")
    async with mwanga.database.work():
        first = await propose_move(sale, right, REHEMA, "typed the wrong serial", "form 1")
        assert await propose_move(sale, right, REHEMA, "typed the wrong serial", "form 1") == first, "sent twice"
    assert not await Sale.exists(replaces_id=sale.id), "nothing is done yet"
    assert [each.id for each in await open_proposals(10)] == [first.id]
    with pytest.raises(SamePerson):
        await done(mwanga, first.id, REHEMA)
    assert (await done(mwanga, first.id)).decided_by == "zuberi"
    assert await Sale.exists(replaces_id=sale.id, device_id=right.id)
    assert await open_proposals(10) == []
    with pytest.raises(Decided):
        await done(mwanga, first.id)
    told = await execute(connection(), "SELECT phone FROM outbox WHERE origin LIKE $1", [f"move {sale.id}%"])
    assert len(told) == 3, "the right owner, the wrong one, and the agent"
    assert await find_fault() == ""
    assert [one.action for one in await Audit.filter(action__startswith="move").order_by("id")] == ["move asked"]


async def test_one_thing_is_asked_for_once(mwanga: Server) -> None:
    sale, right = await sold(mwanga), await Device.get(serial="SHS0283")
    async with mwanga.database.work():
        await propose_move(sale, right, REHEMA, "typed the wrong serial", "form 1")
    with pytest.raises(AskedAlready) as error:
        async with mwanga.database.work():
            await propose_move(sale, right, ZUBERI, "wrong one", "form 2")
    assert error.value.by == "rehema" and await Proposal.all().count() == 1


async def test_what_is_no_use_is_not_written_down(mwanga: Server) -> None:
    sale = await sold(mwanga)
    bike = await Device.get(serial="EB100042")
    with pytest.raises(SameDevice):
        await propose_move(sale, bike, REHEMA, "no reason", "form 1")
    neema = await Customer.get(id=bike.customer_id)
    with pytest.raises(OwnAlready):
        await propose_transfer(bike, neema, REHEMA, "no reason", "form 2", today=TODAY)
    async with mwanga.database.work():
        await approve(sale, REHEMA, "wrong amount", today=TODAY)
        await approve(sale, ZUBERI, today=TODAY)
    with pytest.raises(VoidBefore):
        await propose_move(sale, await Device.get(serial="SHS0283"), REHEMA, "no reason", "form 3")
    assert not await Proposal.exists()


async def test_what_cannot_be_done_any_more_waits_and_changes_nothing(mwanga: Server) -> None:
    agent = await with_wallet(mwanga, 5_000_00)
    async with mwanga.database.work():
        asked = await propose_payout(agent, 5_000_00, REHEMA, "leaves us", "form 1")
        await wallets.pay_out(agent, 1_000_00, "mwanga", coin=mwanga.company.coin)
    with pytest.raises(NotInWallet):
        await done(mwanga, asked.id)
    assert (await Proposal.get(id=asked.id)).state == "asked" and await in_wallet(agent.id) == 4_000_00


async def test_cash_is_paid_out_of_a_wallet_once(mwanga: Server) -> None:
    agent = await with_wallet(mwanga, 5_000_00)
    with pytest.raises(NotInWallet):
        await propose_payout(agent, 6_000_00, REHEMA, "leaves us", "form 0")
    async with mwanga.database.work():
        asked = await propose_payout(agent, 2_000_00, REHEMA, "leaves us", "form 1")
    both = await asyncio.gather(
        *(done(mwanga, asked.id, OfficeUser(name=name)) for name in ("zuberi", "tatu")), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in both) == ["Decided", "Proposal"]
    assert await in_wallet(agent.id) == 3_000_00 and await find_fault() == ""


async def test_a_device_goes_to_another_customer(mwanga: Server) -> None:
    bike, amina = await Device.get(serial="EB100042"), await Customer.get(phone=PEOPLE["Amina"])
    async with mwanga.database.work():
        asked = await propose_transfer(bike, amina, REHEMA, "sold it to her", "form 1", today=TODAY)
    assert (await with_owner(bike.id)).customer_id != amina.id
    await done(mwanga, asked.id)
    assert (await with_owner(bike.id)).customer_id == amina.id


async def test_a_device_goes_only_from_who_had_it_when_it_was_asked(mwanga: Server) -> None:
    bike, amina = await Device.get(serial="EB100042"), await Customer.get(phone=PEOPLE["Amina"])
    async with mwanga.database.work():
        asked = await propose_transfer(bike, amina, REHEMA, "sold it to her", "form 1", today=TODAY)
        baraka = await Customer.get(phone=PEOPLE["Baraka"])
        await transfer(await with_owner(bike.id), baraka, REHEMA, "sold it to him", today=TODAY)
    with pytest.raises(OtherOwner):
        await done(mwanga, asked.id)
    assert (await with_owner(bike.id)).customer_id == baraka.id
    assert (await Proposal.get(id=asked.id)).state == "asked"


async def test_a_device_goes_with_no_more_debt_than_was_seen(mwanga: Server) -> None:
    home, amina = await Device.get(serial="SHS0283"), await Customer.get(phone=PEOPLE["Amina"])
    async with mwanga.database.work():
        asked = await propose_transfer(home, amina, REHEMA, "sold it", "form 1", today=TODAY, with_debt=True)
        contract = await Contract.get(device_id=home.id)
        lines = [Posting(AccountKind.DEBT, contract.id, 100), Posting(AccountKind.GOODS, 0, -100)]
        await post("more", lines, actor="test")
    assert asked.amount > 0
    with pytest.raises(MoreOwed):
        await done(mwanga, asked.id)
    async with mwanga.database.work():
        await post("less", [Posting(each.kind, each.owner, -each.amount) for each in lines], actor="test")
    assert (await done(mwanga, asked.id)).state == "done"


async def test_who_asked_may_take_it_back_and_another_may_refuse(mwanga: Server) -> None:
    agent = await with_wallet(mwanga, 5_000_00)
    for number, by in enumerate((REHEMA, ZUBERI)):
        async with mwanga.database.work():
            asked = await propose_payout(agent, 2_000_00, REHEMA, "leaves us", f"form {number}")
            refused = await refuse(asked.id, by)
        assert (refused.state, refused.decided_by) == ("refused", by.name)
        with pytest.raises(Decided):
            await done(mwanga, asked.id)
    assert await in_wallet(agent.id) == 5_000_00
