"""What the office is told of a gateway phone, in sentences."""

from typing import Any

import pytest

from bot.android.sims import NO_CREDIT
from bot.android.troubles import troubles
from bot.config import load
from models.messages import Phone, Sim
from models.messages.phones import write_sims

HALOTEL, HIDDEN = Sim(1, "+255620000001", "Halotel"), Sim(1, "", "Halotel")


def phone(*sims: Sim, **changes: Any) -> Phone:
    known = {"id": 1, "name": "x", "signing_key": "", "added_at": 0, "linked_at": 1, "version": "1.67.0"}
    return Phone(**known | {"sims": write_sims(sims or [HALOTEL])} | changes)


def test_a_phone_that_is_well_needs_no_words() -> None:
    assert troubles(phone(), {1: 79}, load(sim_receivers=100)) == []


def test_what_is_wrong_with_a_phone_is_said() -> None:
    wrong = phone(Sim(1, "+255620000001", stopped=NO_CREDIT), version="1.66.1", push=True, clock_offset=-7_200)
    wrong.lost = "It was silent."
    wrong.wrong_signatures, wrong.wrong_signature_at = 3, 1_795_503_600_000
    assert troubles(wrong, {1: 79, 2: 80}, load(sim_receivers=100)) == [
        "Its app is 1.66.1 and gets no messages: install 1.67.0 or newer.",
        "It is slow until the app is restarted: it waits for a cloud to wake it.",
        "Its clock is 2 h late.",
        "Its signing key differs: link it again. 3 events were refused, the last on 24 Nov at 10:00.",
        "SIM 1: Three messages in a row failed as they do when a SIM has no credit.",
        "SIM 2 wrote to 80 people this month; many operators block a SIM at 100.",
        "It was silent.",
    ]


@pytest.mark.parametrize(
    ("sims", "changes", "canaries", "said"),
    [
        ([HIDDEN], {}, {}, True),
        ([HIDDEN, Sim(2, "+255740000001")], {}, {}, False),
        ([HIDDEN], {}, {"phone-1": "+255620000001"}, False),
        ([HIDDEN], {"linked_at": 0}, {}, False),
    ],
    ids=["hidden", "the other SIM tells it", "configured", "not linked yet"],
)
def test_a_phone_that_cannot_be_tested_is_named(
    sims: list[Sim], changes: dict[str, int], canaries: dict[str, str], said: bool
) -> None:
    sentence = "It tells no number of its own, so no test message goes out: set canaries.phone-1."
    found = troubles(phone(*sims, **changes), {}, load(canaries=canaries))
    assert found == ([sentence] if said else [])
