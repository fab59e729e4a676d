"""What the command line does, a page can do as well: each verb names in the audit who did it."""

from collections.abc import Awaitable, Callable

import pytest

from bot.android import linking
from bot.server import Server
from handlers.account.hand_in import take_hand_in
from handlers.customers.phone import change_phone
from handlers.exchange import NotImported, Table, import_table
from models.audit import Audit
from models.devices.meters import NoVendingKey, PublishedKey, change_vending_key
from models.messages.tables import Outbox
from models.money.ledger import AccountKind, Posting, post
from models.people import Agent, Customer, MiniGrid, OfficeUser
from models.people.agents import AgentExists, WeakPin, add_agent, change_agent, give_pin
from models.people.office_users import ShortPassword, add_user
from models.settings import are_messages_off, switch_outgoing
from models.tickets import Category, tickets
from models.tokens.sts import TEST_VENDING_KEY
from tests.world.people import PEOPLE

ACTOR = "rehema"
KEY = {"sgc": "600123", "krn": 1, "tariff_index": 1, "base_year": 2014}
NEW = {"name": "Rehema Kito", "language": "sw", "mini_grid": "Masasi", "cash_limit": 90_000_00}


async def hand_in(server: Server) -> None:
    asha = await Agent.get(phone=PEOPLE["Asha"])
    await post(
        "sold", [Posting(AccountKind.CASH, asha.id, 100_00), Posting(AccountKind.ENERGY, 0, -100_00)], actor="test"
    )
    receipt = await take_hand_in(asha, 50_00, company=server.company, composer=server.composer, actor=ACTOR)
    assert receipt.new and await Outbox.filter(phone=PEOPLE["Asha"], text=receipt.text.to("en")).count() == 1


async def phone(server: Server) -> None:
    baraka = await Customer.get(id=2)
    place = {"company": server.company, "composer": server.composer}
    assert await change_phone(baraka, "+255754000222", **place, actor=ACTOR)
    assert not await change_phone(await Customer.get(id=2), "+255754000222", **place, actor=ACTOR)
    assert await Outbox.all().count() == 2


async def agent(server: Server) -> None:
    vault = server.company.vault
    with pytest.raises(WeakPin):
        await add_agent(phone="+255712000001", pin="123456", **NEW, vault=vault, actor=ACTOR)
    with pytest.raises(AgentExists):
        await add_agent(phone=PEOPLE["Asha"], pin="730582", **NEW, vault=vault, actor=ACTOR)
    added = await add_agent(phone="+255712000001", pin="730582", **NEW, vault=vault, actor=ACTOR)
    assert (await added.mini_grid).name == "Masasi" and vault.check_pin("730582", added.pin_hash)


async def limit(_server: Server) -> None:
    await change_agent(await Agent.get(phone=PEOPLE["Asha"]), cash_limit=1_00, actor=ACTOR)
    asha = await Agent.get(phone=PEOPLE["Asha"])
    assert (asha.cash_limit, asha.name, asha.commission) == (1_00, "Asha Mushi", 1000)


async def pin(server: Server) -> None:
    asha, vault = await Agent.get(phone=PEOPLE["Asha"]), server.company.vault
    with pytest.raises(WeakPin):
        await give_pin(asha, "111111", vault=vault, actor=ACTOR)
    await give_pin(asha, "730582", vault=vault, actor=ACTOR)
    assert vault.check_pin("730582", (await Agent.get(id=asha.id)).pin_hash)


async def user(server: Server) -> None:
    with pytest.raises(ShortPassword):
        await add_user("juma", "too short", vault=server.company.vault, actor=ACTOR)
    await add_user("juma", "long enough to keep", vault=server.company.vault, actor=ACTOR)
    assert await OfficeUser.exists(name="juma")


async def outgoing(_server: Server) -> None:
    await switch_outgoing(False, actor=ACTOR)
    assert await are_messages_off()


async def key(server: Server) -> None:
    with pytest.raises(NoVendingKey, match="20 bytes"):
        await change_vending_key("abcd", **KEY, vault=server.company.vault, actor=ACTOR)
    with pytest.raises(PublishedKey):
        await change_vending_key(TEST_VENDING_KEY.secret.hex(), **KEY, vault=server.company.vault, actor=ACTOR)
    await change_vending_key("01" * 20, **KEY, vault=server.company.vault, actor=ACTOR)


async def test_a_phone_s_verbs_name_who_did_it(mwanga: Server) -> None:
    async with mwanga.database.work():
        phone, _code = await linking.add("Shop phone", mwanga.company.vault, actor=ACTOR)
        await linking.pause(phone, actor=ACTOR)
        await linking.resume(phone, actor=ACTOR)
        await linking.rename(phone, "Till phone", actor=ACTOR)
        await linking.unlink(phone, actor=ACTOR)
    rows = await Audit.all().order_by("id").values_list("actor", "action", "subject", "detail")
    assert rows == [
        (ACTOR, f"phone {verb}", phone.gateway, name)
        for verb, name in [
            ("code", "Shop phone"),
            ("pause", "Shop phone"),
            ("resume", "Shop phone"),
            ("rename", "Shop phone"),
            ("unlink", "Till phone"),
        ]
    ]


async def test_only_the_office_s_steps_of_a_ticket_are_in_the_audit(mwanga: Server) -> None:
    async with mwanga.database.work():
        customer, asha = await Customer.get(id=2), await Agent.get(phone=PEOPLE["Asha"])
        user = await OfficeUser.create(name=ACTOR, password_hash="none")
        opened = await tickets.open_ticket(customer, None, Category.OTHER, "no light", actor=asha.phone, key="talk 1")
        ticket = opened.ticket
        assert await tickets.comment(ticket, asha.phone, "I go there")
        ticket = await tickets.assign(ticket, user, agent=asha)
        assert await tickets.comment(ticket, user, "take a cable")
        assert not await tickets.comment(ticket, user, "take a cable")
        assert await tickets.ask_fixed(ticket, user)
        assert await tickets.close(ticket, user, "she called")
        assert await tickets.reopen(ticket, user, "it broke again")
    rows = await Audit.all().order_by("id").values_list("actor", "action", "subject", "detail")
    assert rows == [
        (ACTOR, "ticket assigned", ticket.number, asha.phone),
        (ACTOR, "ticket commented", ticket.number, "take a cable"),
        (ACTOR, "ticket asked", ticket.number, ""),
        (ACTOR, "ticket closed", ticket.number, "she called"),
        (ACTOR, "ticket reopened", ticket.number, "it broke again"),
    ]


@pytest.mark.parametrize(
    ("verb", "action"),
    [
        (hand_in, "hand in"),
        (phone, "customer phone"),
        (agent, "agent"),
        (limit, "agent cash_limit"),
        (pin, "pin"),
        (user, "office user"),
        (outgoing, "outgoing"),
        (key, "vending key"),
    ],
)
async def test_a_verb_names_who_did_it(mwanga: Server, verb: Callable[[Server], Awaitable[None]], action: str) -> None:
    async with mwanga.database.work():
        await verb(mwanga)
    assert await Audit.all().values_list("actor", "action") == [(ACTOR, action)]


async def test_an_import_names_who_did_it(mwanga: Server) -> None:
    place = {"database": mwanga.database, "company": mwanga.company, "actor": ACTOR}
    done = await import_table("villages", Table.of(b"mini_grid,village\nMasasi,Newala\n"), "a.csv", **place)
    assert (done.rows, done.changed) == (1, 1) and await MiniGrid.exists(name="Masasi")
    with pytest.raises(NotImported, match="1 of the lines are wrong") as refused:
        await import_table("villages", Table.of(b"mini_grid,village\n,Newala\n"), "a.csv", **place)
    assert [(each.line, str(each.reason)) for each in refused.value.problems] == [(2, "mini_grid is empty")]
    [row] = await Audit.all()
    assert (row.actor, row.action, row.subject) == (ACTOR, "import", "villages from a.csv")
