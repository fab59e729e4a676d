"""Cash handed in where a commission is no whole amount."""

from models.money.ledger import cash_held, commission_due
from models.people.tables import Agent
from tests.cli.test_agents_keys_customers import at_the_office, run, sold
from tests.cli.test_main import query
from tests.world.people import PEOPLE

__all__ = ["run"]  # a fixture


def test_a_part_of_a_coin_stays_due_until_it_is_a_whole_one(run, demo_url: str) -> None:  # type: ignore[no-untyped-def]
    """Paid out, it would leave 89.50 in hand, of which half a shilling can never be handed in."""

    async def took() -> None:
        await sold(await Agent.get(phone=PEOPLE["Asha"]), 100_00, 10_50)

    async def stands() -> tuple[int, int]:
        agent = await Agent.get(phone=PEOPLE["Asha"])
        return await cash_held(agent.id), await commission_due(agent.id)

    at_the_office(demo_url, took)
    assert run("agent", "receipt", "0700000001", 50).exit_code == 0
    assert at_the_office(demo_url, stands) == (40_00, 50)
    [message] = query(demo_url, "SELECT text FROM outbox")
    assert str(message["text"]).startswith("HANDED IN TZS 50. Commission 10 paid out, 0 due. You hold 40 of 200,000.")
    at_the_office(demo_url, took)
    assert run("agent", "receipt", "0700000001", 129).exit_code == 0
    assert at_the_office(demo_url, stands) == (0, 0)
