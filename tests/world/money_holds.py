"""All that must hold of the books of a life (tests/world/money_life.py), after each step and at its end."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from bot.server import Server
from handlers.customers.proposals import agree
from models.demo.world import PAYGO_KEYS, STS_KEY
from models.money import reconciling
from models.money.amounts import doubt_of
from models.money.books import find_fault
from models.money.payments import Payment
from models.money.receiving import Evidence, Source, counted
from models.money.reconciling import Said
from models.money.statements import Direction, StatementLine
from models.people import OfficeUser
from models.selling.proposals import Proposal, propose_amount
from models.selling.proposals import refuse as refuse_proposal
from models.sql import now_ms
from tests.emulators import openpaygo_device, sts_meter
from tests.world.books import check_ledger
from tests.world.money_by_text import PROVIDER as BY_TEXT
from tests.world.money_life import BEGIN, PROVIDERS, Life, as_moment, rows


async def check(life: Life) -> None:
    """All that holds at any moment."""
    at = life.servers[0]
    fault = await find_fault()
    assert fault == "", fault
    await check_ledger(at)
    await check_payments(at)
    await check_requests(at)
    await check_pushes(at)
    await check_wallets(at)
    await check_credit(at)
    await check_texts(life)
    assert not await rows(
        at,
        "SELECT kind, owner FROM account WHERE kind IN ('unapplied', 'credit', 'wallet') AND balance > 0"
        " OR kind IN ('debt', 'claim', 'access due') AND balance < 0",
    ), "somebody spent or paid what was not there"
    assert not await rows(
        at,
        "SELECT a.currency FROM line l JOIN account a ON a.id = l.account_id GROUP BY a.currency"
        " HAVING SUM(l.amount) <> 0",
    )


async def check_payments(at: Server) -> None:
    """Nothing vanishes and nothing is spent twice: a payment is what its sales took, what became credit, what went
    back, and what waits; and the ledger says of each the same."""
    moved = await rows(
        at,
        "SELECT a.owner AS payment, e.key, l.amount FROM line l JOIN account a ON a.id = l.account_id"
        " JOIN entry e ON e.id = l.entry_id WHERE a.kind = 'unapplied' ORDER BY l.id",
    )
    sold = {
        f"sale {row['id']} payment": (int(row["payment_id"]), int(row["amount"]))
        for row in await rows(at, "SELECT id, payment_id, amount FROM sale")
    }
    left: defaultdict[int, int] = defaultdict(int)
    for row in moved:
        payment, amount = int(row["payment"]), int(row["amount"])
        left[payment] -= amount
        if row["key"] in sold:
            assert sold[row["key"]] == (payment, amount), "a sale took another amount than its own"
    paid = {
        int(row["id"]): row
        for row in await rows(at, "SELECT id, provider, amount FROM payment WHERE provider NOT IN ('cash', 'wallet')")
    }
    received = {int(row["payment"]): -int(row["amount"]) for row in moved if row["key"] == f"payment {row['payment']}"}
    assert received == {number: int(row["amount"]) for number, row in paid.items()}, "each is booked once, whole"
    balances = await rows(at, "SELECT owner, -balance AS there FROM account WHERE kind = 'unapplied'")
    assert {int(row["owner"]): int(row["there"]) for row in balances} == dict(left)
    right = await corrections(at)
    for payment, there in left.items():
        if payment in paid:
            counts = int(paid[payment]["amount"]) + right.get(payment, 0)
            assert there <= counts, f"more waits of payment {payment} than it was: {there}, {counts}"
    taken = await rows(
        at,
        "SELECT p.id, p.amount, SUM(s.amount) AS sold FROM payment p JOIN sale s ON s.payment_id = p.id"
        " WHERE NOT EXISTS (SELECT 1 FROM void v WHERE v.sale_id = s.id AND v.state = 'done')"
        " AND NOT EXISTS (SELECT 1 FROM sale r WHERE r.replaces_id = s.id) GROUP BY p.id, p.amount",
    )
    for row in taken:
        # What was used of a payment that was less is booked as a loss.
        more = max(right.get(int(row["id"]), 0), 0)
        assert int(row["sold"]) <= int(row["amount"]) + more, "a payment was spent twice"


async def corrections(at: Server) -> dict[int, int]:
    """By how much the amount of each payment was put right, as the provider's account has it."""
    lines = await rows(
        at,
        "SELECT e.key, l.amount FROM line l JOIN account a ON a.id = l.account_id JOIN entry e ON e.id = l.entry_id"
        " WHERE a.kind = 'clearing' AND e.key LIKE 'payment % amount, step %'",
    )
    found: defaultdict[int, int] = defaultdict(int)
    for row in lines:
        found[int(row["key"].split()[1])] += int(row["amount"])
    return found


async def check_requests(at: Server) -> None:
    """What is held back of agents' room is what customers asked them for and nobody answered; a sale answers one
    request, of its own agent and for its own device or contract."""
    asked = await rows(at, "SELECT id, agent_id, amount, expires_at FROM cash_request WHERE state = 'asked'")
    held = await rows(
        at,
        "SELECT key, owner, amount, expires_at FROM reservation WHERE state = 'open' AND kind IN ('cash', 'wallet')",
    )
    wanted = [
        (f"cash request {row['id']}", int(row["agent_id"]), int(row["amount"]), int(row["expires_at"])) for row in asked
    ]
    kept = [(row["key"], *(int(row[name]) for name in ("owner", "amount", "expires_at"))) for row in held]
    assert sorted(kept) == sorted(wanted), "room is held for what nobody asks, or is not held"
    assert not await rows(
        at,
        "SELECT c.id FROM cash_request c LEFT JOIN sale s ON s.id = c.sale_id WHERE c.state = 'sold' AND (s.id IS NULL"
        " OR s.agent_id <> c.agent_id OR COALESCE(s.device_id, 0) <> COALESCE(c.device_id, 0)"
        " OR c.device_id IS NULL AND s.contract_id <> c.contract_id) OR c.state <> 'sold' AND c.sale_id IS NOT NULL",
    ), "a request says that it was sold, and it was not"
    assert not await rows(
        at,
        "SELECT phone FROM cash_request WHERE state = 'asked' AND expires_at > $1 GROUP BY phone HAVING COUNT(*) > 1",
        now_ms(),
    ), "a phone waits for two agents"


async def check_pushes(at: Server) -> None:
    """What was paid has its money. What an agent was asked for a wallet fills this one, or waits for the office: it
    buys nothing by itself."""
    assert not await rows(
        at,
        "SELECT r.id FROM payment_request r LEFT JOIN top_up t ON t.payment_id = r.payment_id"
        " LEFT JOIN sale s ON s.payment_id = r.payment_id AND s.key = 'payment ' || r.payment_id"
        " WHERE (r.state = 'paid') <> (r.payment_id IS NOT NULL) OR t.agent_id <> COALESCE(r.agent_id, 0)"
        " OR r.agent_id IS NOT NULL AND s.id IS NOT NULL",
    ), "a push for a wallet was paid, and went elsewhere"


async def check_wallets(at: Server) -> None:
    """A wallet has what came in less what was sold from it and stands. What was sold for cash and is void came in where
    the agent has a wallet by then; what was sold from it and is void went out where the cash came from elsewhere."""
    moved: defaultdict[int, int] = defaultdict(int)
    for row in await rows(
        at,
        "SELECT s.agent_id, s.amount, p.provider, -l.amount AS came FROM sale s JOIN payment p ON p.id = s.payment_id"
        " JOIN void v ON v.sale_id = s.id AND v.state = 'done' JOIN entry e ON e.key = 'sale ' || s.id || ' paid back'"
        " JOIN line l ON l.entry_id = e.id JOIN account a ON a.id = l.account_id AND a.kind = 'wallet'",
    ):
        amount = int(row["amount"])
        assert int(row["came"]) == (amount if row["provider"] == "cash" else -amount), "another amount was paid back"
        moved[int(row["agent_id"])] += int(row["came"])
    wallets = await rows(
        at,
        "SELECT g.id, COALESCE((SELECT -balance FROM account WHERE kind = 'wallet' AND owner = g.id), 0) AS there,"
        " (SELECT COALESCE(SUM(amount + commission), 0) FROM top_up WHERE agent_id = g.id) AS came,"
        " (SELECT COALESCE(SUM(s.amount), 0) FROM sale s JOIN payment p ON p.id = s.payment_id"
        " WHERE s.agent_id = g.id AND p.provider = 'wallet' AND s.part = 1 AND NOT EXISTS"
        " (SELECT 1 FROM void v WHERE v.sale_id = s.id AND v.state = 'done')) AS sold FROM agent g",
    )
    for row in wallets:
        came = int(row["came"]) + moved[int(row["id"])]
        assert 0 <= int(row["there"]) == came - int(row["sold"]), "a wallet has what nobody put in"


async def check_credit(at: Server) -> None:
    """Each movement of a customer's credit is what a sale used or left, the same taken back, a payment that the office
    gave to the customer, or cash that two people paid out; and each of these is there once."""
    moved = await rows(
        at,
        "SELECT a.owner, e.id, e.key, l.amount FROM line l JOIN account a ON a.id = l.account_id"
        " JOIN entry e ON e.id = l.entry_id WHERE a.kind = 'credit'",
    )
    kept = {
        int(row["id"]): (int(row["customer_id"]), int(row["credit_after"]) - int(row["credit_before"]))
        for row in await rows(at, "SELECT id, customer_id, credit_before, credit_after FROM sale")
    }
    voided = {int(row["sale_id"]) for row in await rows(at, "SELECT sale_id FROM void WHERE state = 'done'")}
    paid_out = {
        f"credit paid out {one.id}": (one.customer_id, one.amount)
        for one in await Proposal.filter(what="credit", state="done")
    }
    given = {
        int(row["id"]): int(row["amount"])
        for row in await rows(
            at,
            "SELECT e.id, l.amount FROM line l JOIN account a ON a.id = l.account_id JOIN entry e ON e.id = l.entry_id"
            " WHERE a.kind = 'unapplied' AND e.key LIKE 'assign %'",
        )
    }
    says = {f"sale {sale} payment": (whose, -more) for sale, (whose, more) in kept.items() if more}
    says |= {f"sale {sale} void": (kept[sale][0], kept[sale][1]) for sale in voided if kept[sale][1]}
    says |= paid_out
    lines = {row["key"]: (int(row["owner"]), int(row["amount"])) for row in moved if int(row["id"]) not in given}
    assert lines == says, "credit was given or used, and nothing says why"
    assert all(given[int(row["id"])] == -int(row["amount"]) for row in moved if int(row["id"]) in given)


async def check_texts(life: Life) -> None:
    """What texts brought came, as much as the operator says, and once."""
    found = await rows(life.servers[0], "SELECT reference, amount FROM payment WHERE provider = $1", BY_TEXT)
    for row in found:
        assert life.in_wallet.get(row["reference"]) == int(row["amount"]), "a text was believed that somebody made up"
    assert len(found) == len({row["reference"] for row in found})


# --- At the end


async def check_end(life: Life) -> None:
    """What holds when all is over and the providers' statements have come."""
    await check_received(life)
    await check_tokens(life.servers[0])
    await reconcile(life)
    await check(life)


async def check_received(life: Life) -> None:
    """Each payment that was told of is there once, with the first amount, whatever came how often."""
    first: dict[tuple[str, str], int] = {}
    for provider, reference, amount, _at in life.told:
        first.setdefault((provider, reference), amount)
    there = await rows(
        life.servers[0], "SELECT provider, reference FROM payment WHERE provider NOT IN ('cash', 'wallet')"
    )
    known = [(row["provider"], row["reference"]) for row in there]
    assert sorted(known) == sorted(set(known))
    assert set(first) <= set(known)


async def check_tokens(at: Server) -> None:
    """Each paid token is accepted once, in its order, with what was paid for; a second time it is refused. After a
    device came back its next one sets what is paid: whatever else runs on it is nobody's."""
    bought = await rows(
        at,
        "SELECT d.serial, t.digits, t.count, s.unit, s.units,"
        " EXISTS (SELECT 1 FROM void v JOIN sale o ON o.id = v.sale_id"
        "   WHERE v.state = 'done' AND o.device_id = d.id AND o.id < s.id)"
        " OR EXISTS (SELECT 1 FROM audit WHERE action = 'device returned' AND subject = d.serial) AS may_set"
        " FROM token t JOIN sale s ON s.id = t.sale_id JOIN device d ON d.id = t.device_id ORDER BY t.id",
    )
    homes, bikes = [
        [openpaygo_device.Device(bytes.fromhex(key), starting, count=first) for _serial in range(2)]
        for key, starting, first in zip(PAYGO_KEYS, (123456789, 432435255), (1, 10), strict=True)
    ]
    devices = dict(zip(("SHS0283", "SHS0284", "EB100042", "EB100043"), homes + bikes, strict=True))
    secret = bytes.fromhex(str(STS_KEY["secret"]))
    meter = sts_meter.Meter(sts_meter.decoder_key(secret, "123457", 1, "600727041234567843", 2014))
    now, ahead = datetime.now(UTC) + timedelta(days=9999), datetime.now(UTC) + timedelta(hours=1)
    for row in bought:
        if row["serial"] == "04123456784":
            assert meter.enter(row["digits"], ahead) == sts_meter.Accepted(Fraction(row["units"], 10))
            assert meter.enter(row["digits"], ahead) == sts_meter.Refused("used")
            continue
        device = devices[row["serial"]]
        accepted = device.enter(row["digits"], now)
        if row["unit"] == "days":
            kinds = ("ADD_TIME", "SET_TIME") if row["may_set"] else ("ADD_TIME",)
            assert accepted in [openpaygo_device.Accepted(Fraction(row["units"]), kind) for kind in kinds]
        assert isinstance(accepted, openpaygo_device.Accepted)
        assert not isinstance(device.enter(row["digits"], now), openpaygo_device.Accepted), "it was accepted twice"
    seen = [(row["serial"], row["count"]) for row in bought]
    assert len(set(seen)) == len(seen)
    assert all(re.fullmatch("[0-9]{9}|[0-9]{20}", row["digits"]) for row in bought)


async def reconcile(life: Life) -> None:
    """The providers' statements come, and they pay out what they have: nothing of ours is left with them."""
    at, now = life.servers[0], datetime.now(UTC)
    for provider in (*PROVIDERS, BY_TEXT):
        await _read_statement(life, provider, now)
        await _put_right(at, provider)
        fit = await reconciling.reconcile(provider, BEGIN - timedelta(days=30), now + timedelta(days=30))
        doubted = [one for one in fit.different if await doubt_of(await Payment.get(id=one.payment_id))]
        missing = list(fit.without_money), list(fit.without_sale), doubted
        assert missing == ([], [], []), missing
        if not fit.held:
            continue
        fee = min(fit.held // 100, fit.held)
        out = {"provider": provider, "at": now}
        await life.do(life.line(Said(reference="END", direction=Direction.FEE, amount=fee, **out))) if fee else None
        payout = Said(reference="END", direction=Direction.OUT, amount=fit.held - fee, to_bank=True, **out)
        await life.do(life.line(payout))
        fit = await reconciling.reconcile(provider, BEGIN, now)
        assert fit.held == 0, "clearing returns to nothing"


async def _read_statement(life: Life, provider: str, now: datetime) -> None:
    """It has each payment that came, and what came to a SIM card though no text says so."""
    at = life.servers[0]
    came = "SELECT id, reference, paid_at FROM payment p WHERE provider = $1"
    came += " AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.key = 'payment ' || p.id || ' never came'"
    came += " AND NOT EXISTS (SELECT 1 FROM entry r WHERE r.reverses_id = e.id))"  # unless it was told of since
    lines = {}
    for row in await rows(at, came, provider):
        payment = await Payment.get(id=row["id"])
        all_said = Evidence.filter(payment_id=payment.id, source=Source.STATEMENT.value)
        said = await all_said.order_by("-id").first()
        lines[row["reference"]] = said.amount if said else await counted(payment), as_moment(row["paid_at"])
    if provider == BY_TEXT:
        lines |= {name: (amount, now) for name, amount in life.in_wallet.items() if name not in lines}
    for reference, (amount, when) in lines.items():
        said = Said(provider=provider, reference=reference, direction=Direction.IN, amount=amount, at=when)
        await life.do(life.line(said))
    async with at.database.work():
        await reconciling.add_file(provider, BEGIN - timedelta(days=9), now, actor="rehema")
        await reconciling.match(actor="rehema")
    for line in await StatementLine.filter(provider=provider, direction="in", settled=""):
        async with at.database.work():
            await reconciling.take(line, actor="rehema")


async def _put_right(at: Server, provider: str) -> None:
    """Where the statement says another amount than the books, two people book what it says, unless somebody decided
    otherwise of the very same amounts before."""
    rehema, zuberi = [await OfficeUser.get(name=name) for name in ("rehema", "zuberi")]
    for line in await StatementLine.filter(provider=provider, direction="in", settled="payment"):
        payment = await Payment.get(id=line.payment_id)
        if await counted(payment) == line.amount or await doubt_of(payment) is None:
            continue
        async with at.database.work():
            found = await Proposal.get_or_none(what="amount", payment_id=payment.id, state="asked")
            if found and found.amount != line.amount:
                await refuse_proposal(found.id, rehema)
                found = None
            found = found or await propose_amount(payment, line.amount, rehema, "the statement", f"end {payment.id}")
            by = zuberi if found.asked_by == "rehema" else rehema
            await agree(found.id, by, company=at.company, composer=at.composer)
