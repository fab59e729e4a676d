"""A phone that comes back to 2,000 messages: tokens first, each person's in their order, and all of them in the end."""

import pytest

from bot.android import sims
from bot.runtime import Database
from models.messages import MessageKind, Phone
from tests.world.outbox_rig import MINUTE
from tests.world.phone_rig import VODACOM, Shop

WAITING, PEOPLE = 2_000, 50
KINDS = (MessageKind.REPLY, MessageKind.TOKEN, MessageKind.REMINDER)


async def fetched(shop: Shop) -> list[str]:
    """What it gets by one more pull, in that order; all of it is sent before the next."""
    rows = await shop.phones.pull(await Phone.get(id=shop.phone.id))
    await shop.sql("UPDATE outbox SET state = 'sent' WHERE state = 'sending'")
    shop.clock.now += MINUTE
    return [row["text"] for row in rows]


async def test_a_phone_that_comes_back_gets_all_in_order_and_what_is_urgent_first(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sims, "PARTS", WAITING)
    shop = Shop(database)
    await shop.link(VODACOM)
    texts: dict[MessageKind, list[str]] = {kind: [] for kind in KINDS}
    for person in range(PEOPLE):
        for kind in KINDS:
            mine = [f"{kind} {person} {number}" for number in range(WAITING // PEOPLE // len(KINDS) + 1)]
            texts[kind] += mine
            await shop.enqueue(*mine, to=f"+25574{person:07d}", kind=kind)
    assert sum(map(len, texts.values())) >= WAITING

    got = await fetched(shop)
    await shop.enqueue("a token of now", kind=MessageKind.TOKEN)
    while more := await fetched(shop):
        got += more
    late = got.index("a token of now")
    assert got.pop(late) == "a token of now" and late == len(texts[MessageKind.TOKEN])
    assert got == texts[MessageKind.TOKEN] + texts[MessageKind.REPLY] + texts[MessageKind.REMINDER]
