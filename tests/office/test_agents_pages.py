"""The pages of agents: the list by risk, one agent, and what the office does with him."""

import asyncio
import re

import pytest

from bot.config import Config
from models.money import wallets
from models.money.ledger import AccountKind, Posting, post
from models.money.reservations import reserve
from models.people import Agent
from models.sql import HOUR_MS, now_ms
from tests.world.browser import Office, open_office
from tests.world.office_forms import fields, send
from tests.world.people import PEOPLE, Phones

pytestmark = pytest.mark.everyday_on_sqlite

ASHA, JUMA = "/people/agents/1", "/people/agents/2"
HELD = 150_000_00


async def take_cash(office: Office, agent: int = 1, amount: int = HELD) -> None:
    """An agent holds cash, and a tenth of it is due as commission."""
    async with office.mwanga.database.work():
        cash = [Posting(AccountKind.CASH, agent, amount), Posting(AccountKind.ENERGY, 0, -amount)]
        await post(f"taken {agent}", cash, actor="test")
        due = [
            Posting(AccountKind.COMMISSION_COST, 0, amount // 10),
            Posting(AccountKind.COMMISSION, agent, -amount // 10),
        ]
        await post(f"earned {agent}", due, actor="test")


async def test_the_list_goes_by_risk_and_is_filtered(config: Config) -> None:
    async with open_office(config) as office:
        await take_cash(office, 2, 45_000_00)
        page = await office.page("/people/agents")
        assert page.index("Juma Said") < page.index("Asha Mushi")
        assert "90 %: hand in" in page and "Holds TZS 45,000 of 50,000" in page and "Commission due 4,500" in page
        assert "Asha Mushi" not in await office.page("/people/agents?which=locked")
        assert "No agent is like that." in await office.page("/people/agents?which=retired")
        assert "Asha Mushi" in await office.page("/people/agents?mini_grid=1")
        csv = await office.get("/people/agents?csv=1")
        text = await csv.text()
        assert csv.status == 200 and "Juma Said,+255700000002,Mtwara North,45000,50000,,4500" in text.replace("'", "")


async def test_the_file_ends_behind_who_handed_in_what_was_taken_back_since(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        await take_cash(office, 2, -45_000_00)
        async with asyncio.timeout(60):
            text = await (await office.get("/people/agents?csv=1")).text()
        assert [line.partition(",")[0] for line in text.splitlines()[1:]] == ["Zuhura Ali", "Asha Mushi", "Juma Said"]
        behind = await office.page("/people/agents?before=0.1")
        assert "Juma Said" in behind and "Asha Mushi" not in behind


async def test_cash_is_booked_once_and_the_same_again_is_held(config: Config) -> None:
    async with open_office(config) as office:
        await take_cash(office)
        form = await fields(office, f"{ASHA}/cash", ASHA, amount="100,000")
        for _sent_twice in range(2):
            response = await office.post(f"{ASHA}/cash", **form)
            assert (response.status, response.headers["Location"]) == (303, f"{ASHA}?done=cash")
        assert [row["amount"] for row in await office.ask("SELECT amount FROM hand_in")] == [100_000_00]
        [sms] = await office.ask("SELECT text FROM outbox WHERE phone = $1", PEOPLE["Asha"])
        assert sms["text"].startswith("HANDED IN TZS 100,000. You held 150,000")
        page = await office.page(f"{ASHA}?done=cash")
        assert "Booked. The agent gets an SMS." in page and "TZS 100,000" in page
        happened = page[page.index("What happened") :]
        assert "hand in: TZS 100,000, commission TZS 15,000, ref" in happened and "minor units" not in happened
        status, said = await send(office, f"{ASHA}/cash", ASHA, amount="200000")
        assert status == 409 and "Asha Mushi holds TZS 35,000." in said and 'value="200000"' in said
        await take_cash(office, 3)
        other = "/people/agents/3"
        assert (await send(office, f"{other}/cash", other, amount="50000"))[0] == 303
        status, said = await send(office, f"{other}/cash", other, amount="50000")
        assert status == 409 and "The same amount was booked" in said and "This is other cash" in said
        assert (await send(office, f"{other}/cash", other, amount="50000", again="y"))[0] == 303
        status, said = await send(office, f"{ASHA}/cash", ASHA, amount="lots")
        assert status == 422 and "lots is not clear" in said


async def test_what_a_stolen_phone_needs_stands_before_cash_and_statement(config: Config) -> None:
    """On a telephone the page is one column of some 8,000 pixels."""
    async with open_office(config) as office:
        page = await office.page(ASHA)
        order = ("May this agent sell?", "Lock, as when", "Cash and commission", "Change", "Statement", "What happened")
        places = [page.index(words) for words in order]
        assert places == sorted(places)


async def test_commission_is_paid_out_of_the_till_and_a_wallet_is_topped_up(config: Config) -> None:
    async with open_office(config) as office:
        await take_cash(office)
        form = await fields(office, f"{ASHA}/commission", ASHA, amount="10000")
        for _sent_twice in range(2):
            assert (await office.post(f"{ASHA}/commission", **form)).status == 303
        status, said = await send(office, f"{ASHA}/commission", ASHA, amount="10000")
        assert status == 409 and "Commission due to Asha Mushi: TZS 5,000." in said
        terms = await fields(office, f"{JUMA}/terms", JUMA)
        terms |= {"limit": "50000", "commission": "10", "goods_commission": "5", "prepaid": "y"}
        assert (await office.post(f"{JUMA}/terms", **terms)).status == 303
        assert (await send(office, f"{JUMA}/topup", JUMA, amount="30000"))[0] == 303
        assert "In the wallet 30,000" in await office.page(JUMA)
        assert (await send(office, f"{JUMA}/payout", JUMA, amount="40000", reason="moves away"))[0] == 409
        back = await fields(office, f"{JUMA}/payout", JUMA, amount="10000", reason="moves away")
        for _sent_twice in range(2):
            assert (await office.post(f"{JUMA}/payout", **back)).status == 303
        assert "In the wallet 30,000" in await office.page(JUMA), "two people pay out"
        assert len(await office.ask("SELECT 1 FROM proposal WHERE amount = 1000000")) == 1


async def test_an_agent_is_changed_and_the_second_of_two_is_told(config: Config) -> None:
    async with open_office(config) as office:
        mine = await fields(office, f"{ASHA}/terms", ASHA, limit="90000", commission="7.5", goods_commission="5")
        other = await fields(office, f"{ASHA}/terms", ASHA, limit="80000", commission="10", goods_commission="5")
        assert (await office.post(f"{ASHA}/terms", **mine)).status == 303
        for percent in ("sNaN", "NaN", "Infinity"):
            assert (await office.post(f"{ASHA}/terms", **other | {"commission": percent})).status == 422
        response = await office.post(f"{ASHA}/terms", **other)
        said = await response.text()
        assert response.status == 409 and "Somebody else has changed Asha Mushi meanwhile" in said
        assert 'value="80000"' in said, "what was typed is still there"
        details = {"name": "Asha Mushi Juma", "language": "sw", "mini_grid": "Mtwara North"}
        assert (await send(office, f"{ASHA}/details", ASHA, **details))[0] == 303
        assert (await send(office, f"{ASHA}/phone", ASHA, phone="0712 000 009"))[0] == 303
        status, said = await send(office, f"{ASHA}/phone", ASHA, phone=PEOPLE["Juma"])
        assert status == 409 and "is the number of an agent already" in said
        rows = await office.ask("SELECT action, old, new FROM audit ORDER BY id")
        assert [(row["action"], row["old"], row["new"]) for row in rows if row["action"].startswith("agent")] == [
            ("agent cash_limit", "20000000", "9000000"),
            ("agent commission", "1000", "750"),
            ("agent name", "Asha Mushi", "Asha Mushi Juma"),
            ("agent language", "en", "sw"),
            ("agent phone", "+255700000001", "+255712000009"),
        ]
        told = await office.ask("SELECT phone FROM outbox ORDER BY id")
        assert [row["phone"] for row in told] == ["+255700000001", "+255712000009"]


@pytest.mark.parametrize(
    "name", ["Juma wa Kamau", "Asha M", "Maria Fernanda dos Santos da Conceicao Mondlane Chissano e Silva"]
)
async def test_an_agent_may_have_any_name(config: Config, name: str) -> None:
    async with open_office(config) as office:
        details = {"name": name, "language": "sw", "mini_grid": "Mtwara North"}
        assert (await send(office, f"{ASHA}/details", ASHA, **details))[0] == 303
        assert await office.ask("SELECT name FROM agent WHERE id = 1") == [{"name": name}]


async def test_an_agent_is_locked_gets_a_pin_and_is_retired(config: Config) -> None:
    async with open_office(config) as office:
        status, said = await send(office, f"{ASHA}/lock", ASHA, reason="")
        assert status == 422 and "Please fill this in." in said
        assert (await send(office, f"{ASHA}/lock", ASHA, reason="phone stolen"))[0] == 303
        assert "Locked since" in await office.page(ASHA)
        assert (await send(office, f"{ASHA}/unlock", ASHA, reason="found again"))[0] == 303
        status, said = await send(office, f"{ASHA}/pin", ASHA)
        assert status == 422 and "Please tick this box." in said
        assert (await send(office, f"{ASHA}/pin", ASHA, sure="y"))[0] == 303
        [sms] = await office.ask("SELECT text FROM outbox WHERE kind = 'token'")
        pin = re.findall(r"\d{6}", sms["text"])[0]
        page = await office.page(ASHA)
        assert "has still to choose an own PIN" in page and pin not in page and "******" in page
        assert (await send(office, f"{ASHA}/retire", ASHA, sure="y"))[0] == 303
        assert "Retired on" in await office.page(ASHA)
        rows = await office.ask("SELECT actor, action, detail FROM audit WHERE actor = 'admin' ORDER BY id")
        said_of = {row["action"]: row["detail"] for row in rows}
        assert said_of["lock"] == "by the office: phone stolen" and said_of["unlock"] == "found again"
        assert {"pin for once", "agent retired"} <= {*said_of} and pin not in str(rows)


async def test_a_new_agent_gets_a_welcome_and_a_pin(config: Config) -> None:
    new = "/people/agents/new"
    typed = {"name": "Rehema Kito", "phone": "0712 000 001", "language": "sw", "mini_grid": "Mtwara North"}
    async with open_office(config) as office:
        form = await fields(office, new, new, limit="60000", **typed)
        for _sent_twice in range(2):
            response = await office.post(new, **form)
            assert response.status == 303
        agent = await Agent.get(phone="+255712000001")
        assert response.headers["Location"] == f"/people/agents/{agent.id}?done=new"
        assert (agent.cash_limit, agent.language) == (60_000_00, "sw") and agent.pin_expires_at
        sms = await office.ask("SELECT kind FROM outbox WHERE phone = $1 ORDER BY id", agent.phone)
        assert [row["kind"] for row in sms] == ["reply", "token"]
        status, said = await send(office, new, new, limit="60000", **typed)
        assert status == 409 and "This is the number of an agent already." in said and "Rehema Kito" in said
        wrong = {"name": "X", "phone": "12", "language": "sw", "mini_grid": "", "new_grid": "", "limit": ""}
        status, said = await send(office, new, new, **wrong)
        assert status == 422 and "Choose a mini-grid" in said and 'value="12"' in said


async def test_a_dispute_takes_two_people(config: Config) -> None:
    async with open_office(config) as office:
        await take_cash(office)
        await send(office, f"{ASHA}/cash", ASHA, amount="50000")
        [row] = await office.ask("SELECT reference FROM hand_in")
        await office.sms("Asha", f"DISPUTE {row['reference']} I gave 60000")
        assert "The agent says: I gave 60000" in await office.page(ASHA)
        mine = await fields(office, f"{ASHA}/settle", ASHA, amount="60000", reference=row["reference"])
        response = await office.post(f"{ASHA}/settle", **mine)
        assert response.headers["Location"] == f"{ASHA}?done=proposed"
        again = await office.post(f"{ASHA}/settle", **(mine | {"once": "another"}))
        assert again.status == 409 and "Another one of the office has to agree." in await again.text()
        await another_owner(office)
        page = await office.page(ASHA)
        assert "admin says that it was TZS 60,000." in page
        response = await office.post(f"{ASHA}/settle", **await fields(office, f"{ASHA}/settle", ASHA))
        assert response.headers["Location"] == f"{ASHA}?done=settled"
        assert "settled: 60,000" in await office.page(ASHA)


async def another_owner(office: Office) -> None:
    """Somebody else signs in at the same browser."""
    vault = office.mwanga.company.vault
    await office.ask(
        "INSERT INTO officeuser (name, password_hash, role) VALUES ('grace', $1, 'owner')",
        vault.hash_password("long enough to keep"),
    )
    await office.post("/logout", csrf=await office.csrf("/"))
    await office.sign_in("grace", "long enough to keep")


async def test_a_place_that_no_list_has_is_as_if_it_was_not_there(config: Config) -> None:
    async with open_office(config) as office:
        await office.sign_in()
        for path in ("/people/agents", ASHA, "/people/1"):
            for place in ("9" * 28 + ".1", "1." + "9" * 27, "9" * 18 + ".1.1", "9" * 17 + ".1.1"):
                assert (await office.get(f"{path}?before={place}")).status == 200, (path, place)


async def test_what_customers_asked_for_stands_beside_what_is_there(config: Config) -> None:
    async with open_office(config) as office:
        async with office.mwanga.database.work():
            await reserve("cash request 1", AccountKind.CASH, 1, 5_000_00, now_ms() + HOUR_MS)
            await wallets.make_prepaid(await Agent.get(id=2), "test")
            await wallets.top_up(await Agent.get(id=2), 30_000_00, "test")
            await reserve("cash request 2", AccountKind.WALLET, 2, 7_000_00, now_ms() + HOUR_MS)
        assert "of 200,000 5,000 asked for by customers" in await office.page(ASHA)
        assert "In the wallet 30,000 7,000 asked for by customers" in await office.page(JUMA)
        assert "Customers asked for TZS 7,000 of it." in await office.page("/money/wallets")
        async with office.mwanga.database.work():
            with pytest.raises(wallets.NotInWallet) as refused:
                await wallets.pay_out(await Agent.get(id=2), 23_001_00, "test")
        assert refused.value.there == 23_000_00
        [(_who, said)] = await Phones(office.mwanga).text("Juma", "FEDHA")
        assert said.startswith("Pochi TZS 30,000. Wateja wameomba 7,000: uza hadi 23,000 zaidi."), said
