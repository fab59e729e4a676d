"""Hand-ins that an agent does not agree with: two people of the office settle them, and the difference is booked."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from bot.server import Server
from models.money import disputes
from models.money.disputes import DisputedBefore, NothingProposed, SettledBefore, TooLate
from models.money.hand_in import HandedInBefore, HandIn, MoreThanHeld, hand_in
from models.money.ledger import AccountKind, Posting, balance, cash_held, commission_due, post
from models.people import Agent, OfficeUser
from models.people.two_people import OtherAmount, SamePerson
from models.sql import connection, execute
from tests.world.people import PEOPLE
from tests.world.prompt import Run, do_in_one_work, query

GRACE, HENRY = OfficeUser(name="grace"), OfficeUser(name="henry")
PASSWORD = "a long password"


async def sold(agent: Agent, amount: int, commission: int) -> None:
    """The agent took so much and earned so much, in minor units."""
    await post("sold", [Posting(AccountKind.CASH, agent.id, amount), Posting(AccountKind.DAYS, 0, -amount)], actor="x")
    earned = Posting(AccountKind.COMMISSION, agent.id, -commission)
    if commission:
        await post("earned", [Posting(AccountKind.COMMISSION_COST, 0, commission), earned], actor="x")


async def figures(agent: Agent) -> tuple[int, int, int]:
    return await cash_held(agent.id), await commission_due(agent.id), await balance(AccountKind.OFFICE, 0)


@pytest.mark.first_on_postgres
@pytest.mark.parametrize(
    ("counted", "settled", "left"),
    [
        (50, 60, (35, 0, 60)),  # 100 sold with 5 earned: what was counted too little is not in hand any more
        (50, 40, (55, 0, 40)),
        (50, 50, (45, 0, 50)),
        (50, 0, (95, 0, 0)),  # it was somebody else's
        (50, 100, (0, 5, 100)),  # then nothing was left to pay the commission out of
        (90, 97, (0, 2, 97)),
    ],
)
async def test_the_difference_is_booked_when_two_agree(mwanga: Server, counted: int, settled: int, left: tuple) -> None:
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await sold(agent, 10_000, 500)
        entry = (await hand_in(agent, counted * 100, "office")).entry
        before = await figures(agent)
        assert not (await disputes.settle(entry, settled * 100, GRACE)).agreed
        assert await figures(agent) == before
        done = await disputes.settle(entry, None, HENRY)
    assert done.agreed and done.amount == settled * 100
    assert tuple(each // 100 for each in await figures(agent)) == left
    corrections = await HandIn.filter(corrects_id=entry.id)
    assert len(corrections) == (settled != counted)
    total = await execute(connection(), "SELECT SUM(amount) AS sum FROM hand_in")
    assert total[0]["sum"] == settled * 100


async def test_nobody_agrees_to_the_own_proposal_and_another_amount_is_another_proposal(mwanga: Server) -> None:
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await sold(agent, 10_000, 0)
        entry = (await hand_in(agent, 5_000, "office")).entry
        with pytest.raises(NothingProposed):
            await disputes.settle(entry, None, GRACE)
        await disputes.settle(entry, 6_000, GRACE)
        for amount in (None, 6_000):
            with pytest.raises(SamePerson):
                await disputes.settle(entry, amount, GRACE)
        assert not (await disputes.settle(entry, 7_000, HENRY)).agreed
        with pytest.raises(SamePerson):
            await disputes.settle(entry, None, HENRY)
        assert (await disputes.settle(entry, 7_000, GRACE)).agreed
        for by in (GRACE, HENRY):
            with pytest.raises(SettledBefore):
                await disputes.settle(entry, 8_000, by)
    assert await cash_held(agent.id) == 3_000


async def test_more_than_was_held_is_not_settled(mwanga: Server) -> None:
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await sold(agent, 10_000, 0)
        entry = (await hand_in(agent, 5_000, "office")).entry
        await disputes.settle(entry, 10_001, GRACE)
        with pytest.raises(MoreThanHeld):
            await disputes.settle(entry, None, HENRY)


async def test_a_hand_in_is_disputed_once_and_within_48_hours(mwanga: Server) -> None:
    agent = await Agent.get(phone=PEOPLE["Asha"])
    with time_machine.travel(datetime(2026, 11, 24, 9, tzinfo=UTC), tick=False) as clock:
        async with mwanga.database.work():
            await sold(agent, 10_000, 0)
            first, second = [(await hand_in(agent, amount, "office")).entry for amount in (5_000, 4_000)]
            clock.shift(timedelta(hours=48))
            await disputes.dispute(first, agent, "it was 60")
            with pytest.raises(DisputedBefore):
                await disputes.dispute(first, agent, "again")
            clock.shift(timedelta(seconds=1))
            with pytest.raises(TooLate):
                await disputes.dispute(second, agent, "late")
    alerts = await execute(connection(), "SELECT sentence FROM alert")
    assert [row["sentence"] for row in alerts] == [
        f"Asha Mushi disputes hand-in {first.reference}. `mwanga agent settle`. it was 60"
    ]


async def test_what_was_settled_is_no_repeat(mwanga: Server) -> None:
    """The difference of a correction is no hand-in that somebody brings again."""
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await sold(agent, 10_000, 0)
        entry = (await hand_in(agent, 5_000, "office")).entry
        await disputes.settle(entry, 6_000, GRACE)
        await disputes.settle(entry, None, HENRY)
        await hand_in(agent, 1_000, "office")
        with pytest.raises(HandedInBefore):
            await hand_in(agent, 1_000, "office")


@pytest.mark.everyday_on_sqlite
def test_two_of_the_office_settle_it_at_the_prompt(run: Run, demo_url: str) -> None:
    async def work() -> None:
        await sold(await Agent.get(phone=PEOPLE["Asha"]), 10_000, 500)

    do_in_one_work(demo_url, work)
    assert run("admin", "add", "grace", "--role", "finance", input=f"{PASSWORD}\n").exit_code == 0
    assert run("agent", "receipt", "0700000001", 50, "--reference", "page 7").exit_code == 0

    def settle(by: str, *words: object, password: str = PASSWORD) -> str:
        return run("agent", "settle", "PAGE 7", "--by", by, *words, input=f"{password}\n").output

    assert "Nobody has said yet" in settle("grace")
    assert "grace proposed" not in settle("grace", "--amount", 60)
    assert "grace proposed it. Another one of the office" in settle("grace")
    assert "nobody is no office user" in settle("nobody")
    assert "not the password of admin" in settle("admin", password="wrong wrong")
    assert "TZS 60 is settled, counted were TZS 50." in settle("admin", password="mwanga-demo")
    assert "is settled already" in settle("grace", "--amount", 70)
    said = [row["text"] for row in query(demo_url, "SELECT text FROM outbox ORDER BY id")]
    assert said[1:] == ["SETTLED: hand-in page 7 was TZS 60, not 50. You hold 35. Commission 0 due."]
    missing = run("agent", "settle", "NONE1", "--by", "grace", "--amount", 5, input=f"{PASSWORD}\n")
    assert missing.exit_code == 1 and "There is no hand-in NONE1." in missing.output


async def test_who_agrees_has_seen_what_is_proposed_now(mwanga: Server) -> None:
    agent = await Agent.get(phone=PEOPLE["Asha"])
    async with mwanga.database.work():
        await sold(agent, 10_000, 0)
        entry = (await hand_in(agent, 5_000, "office")).entry
        await disputes.settle(entry, 6_000, GRACE)
        await disputes.settle(entry, 7_000, GRACE)
        with pytest.raises(OtherAmount):
            await disputes.settle(entry, None, HENRY, seen=6_000)
        assert (await disputes.settle(entry, None, HENRY, seen=7_000)).amount == 7_000
