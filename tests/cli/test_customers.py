"""Customers at a prompt: another phone number, of which both numbers are told."""

import pytest

from tests.world.people import PEOPLE
from tests.world.prompt import Run, query


def test_a_customer_gets_another_number_and_both_are_told(run: Run, demo_url: str) -> None:
    result = run("customer", "phone", 2, "0754 000 222")
    assert result.exit_code == 0 and "Baraka Peter has +255754000222 now." in result.output
    assert query(demo_url, "SELECT phone FROM customer WHERE id = 2") == [{"phone": "+255754000222"}]
    told = {str(row["phone"]): str(row["text"]) for row in query(demo_url, "SELECT phone, text FROM outbox")}
    assert "go to another number" in told[PEOPLE["Baraka"]] and "come to this number" in told["+255754000222"]
    assert query(demo_url, "SELECT detail FROM audit") == [{"detail": f"{PEOPLE['Baraka']} -> +255754000222"}]
    assert "already" in run("customer", "phone", 2, "+255754000222").output
    assert run("customer", "phone", 2, "none").exit_code == 0
    assert query(demo_url, "SELECT phone FROM customer WHERE id = 2") == [{"phone": None}]
    assert len(query(demo_url, "SELECT id FROM outbox")) == 3, "who has no phone is told nothing"


@pytest.mark.parametrize("words", [(99, "0754000222"), (2, "12"), (2, "")])
def test_no_customer_and_no_phone_are_one_sentence(run: Run, demo_url: str, words) -> None:
    result = run("customer", "phone", *words)
    assert result.exit_code == 1 and result.output.count("\n") == 1
    assert query(demo_url, "SELECT id FROM audit") == []
