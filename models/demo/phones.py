"""Two invented gateway phones. Neither can carry anything, since no handset is behind them: the office has paused one,
and the other fell silent with an empty battery, which is one of the things that need somebody."""

import secrets
from datetime import datetime, timedelta

from models.messages import GatewayState, Phone, Sim, beats
from models.messages.beats import Beat
from models.messages.phones import write_sims
from models.sql import DAY_MS, HOUR_MS, MINUTE_MS, ms_of
from models.vault import Vault

SHOP, HILLTOP = "Market phone", "Hilltop phone"
SHOP_SIMS = (Sim(1, "+255710000801", "Vodacom"), Sim(2, "+255710000802", "Airtel"))
HILLTOP_SIMS = (Sim(1, "+255710000803", "Tigo"),)
SILENT = timedelta(hours=5)  # for so long nobody has heard the second one
NOTICED = timedelta(hours=3, minutes=30)  # so long ago the office was told of it


async def add_phones(vault: Vault, now: datetime) -> str:
    """Both with their last day: the name among the gateways of the one that worked today."""
    at, silent_since = ms_of(now), ms_of(now - SILENT)
    shop = Phone(
        name=SHOP,
        sims=write_sims(SHOP_SIMS),
        model="Samsung A05",
        battery=84,
        charging=True,
        network="wifi",
        seen_at=at,
        paused=True,
    )
    hilltop = Phone(
        name=HILLTOP,
        sims=write_sims(HILLTOP_SIMS),
        model="Tecno Pop 8",
        battery=9,
        charging=False,
        network="cellular",
        seen_at=silent_since,
    )
    for phone in (shop, hilltop):
        await _link(phone, vault)
    # As bot/routing/states.py would have left them: the office has been told, and is not told again.
    await GatewayState.create(
        name=shop.gateway,
        heard_at=at,
        sent_at=at - MINUTE_MS,
        last_word="sent",
        airtime="TZS 4,350",
        airtime_at=at - HOUR_MS,
    )
    await GatewayState.create(
        name=hilltop.gateway, heard_at=silent_since, sent_at=silent_since - MINUTE_MS, last_word="sent",
        airtime="TZS 620", airtime_at=silent_since - HOUR_MS, told="down", told_at=ms_of(now - NOTICED),
    )  # fmt: skip
    await _write_beats(shop, hilltop, at, ms_of(now - NOTICED))
    return shop.gateway


async def _link(phone: Phone, vault: Vault) -> None:
    """It was linked three weeks ago; nobody has the token with which it would call."""
    phone.linked_at = phone.seen_at - 20 * DAY_MS
    phone.added_at = phone.linked_at - MINUTE_MS
    phone.webhook_at = phone.seen_at
    phone.version, phone.signing_key = "1.67.2", ""
    await phone.save()
    phone.signing_key = vault.seal(secrets.token_hex(16), f"signing key of {phone.gateway}")
    await phone.save(update_fields=["signing_key"])


async def _write_beats(shop: Phone, hilltop: Phone, now: int, down_since: int) -> None:
    """The hours before this one, which is counted as it goes."""
    this_hour, first_down = now - now % HOUR_MS, down_since - down_since % HOUR_MS
    past = [this_hour - back * HOUR_MS for back in range(1, beats.HOURS)]
    await beats.write(shop.gateway, [Beat(at, 45, 15) if at == past[13] else Beat(at, 60) for at in past])
    minutes = (down_since - first_down) // MINUTE_MS
    turned = Beat(first_down, minutes, 60 - minutes)
    of_hilltop = [
        turned if at == first_down else Beat(at, 60, 0) if at < first_down else Beat(at, 0, 60) for at in past
    ]
    await beats.write(hilltop.gateway, of_hilltop)
