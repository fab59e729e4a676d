"""In the demo world phones ring in the simulator: what people do there comes back by the same door as Daraja's."""

import pytest

from bot.payments.simulated import Does
from models.selling.requests import RequestState
from tests.world.people import PEOPLE
from tests.world.pushes import asked, becomes, payments, settled
from tests.world.server import serving

pytestmark = pytest.mark.everyday_on_sqlite


@pytest.mark.parametrize(
    ("does", "state", "reason"),
    [
        (Does.PAY, RequestState.PAID, ""),
        (Does.CANCEL, RequestState.FAILED, "cancelled"),
        (Does.WRONG_PIN, RequestState.FAILED, "wrong pin"),
        (Does.NO_MONEY, RequestState.FAILED, "low balance"),
        (Does.NOTHING, RequestState.FAILED, "no answer"),
    ],
)
async def test_a_phone_of_the_demo_rings_and_is_answered(
    demo_url: str, does: Does, state: RequestState, reason: str
) -> None:
    async with serving(demo_url) as at:
        phones = at.mwanga.payments.simulated
        assert phones
        await asked(at)
        await becomes(at, "asked")
        [prompt] = phones.prompts(PEOPLE["Baraka"])
        assert (prompt.amount, prompt.account) == (5_000_00, "SHS0283")
        assert await phones.answer(prompt.id, does)
        assert not await phones.answer(prompt.id, does)  # it rings no more
        assert (await becomes(at, state.value))["reason"] == reason
        assert [amount for _, amount in await payments(at)] == [5_000_00] * (does is Does.PAY)


async def test_somebody_pays_to_the_pay_bill_out_of_the_phones_own_menu(demo_url: str) -> None:
    async with serving(demo_url) as at:
        phones = at.mwanga.payments.simulated
        assert phones
        assert await phones.pay_bill(PEOPLE["Baraka"], "shs 0283", 3_000_00)
        await settled(at)
        [row] = await at.rows("SELECT amount, account_text FROM payment WHERE provider = 'daraja'")
        assert (row["amount"], row["account_text"]) == (3_000_00, "shs 0283")
