"""Whether the books add up: everything is added up again, and nothing is changed.

What the database guards (models/migrations/0002_guards.py) is looked at all the same: a broken disk, or somebody with
the rights to drop a trigger, asks no guard.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from models.alerts import raise_alert
from models.settings import Setting
from models.sql import DAY_MS, connection, cut, execute, now_ms, on_postgres, read_moment

Rows = list[dict[str, Any]]
Ask = Callable[[str], Awaitable[Rows]]  # how a statement is asked: here, or beside all work (bot/runtime/aside.py)


@dataclass(frozen=True)
class Check:
    """Rows that there must not be, the first of them, and what it means. Amounts are in minor units."""

    wrong: str
    says: str
    made_by: str = ""  # the step that made its tables, where a database of an older version may be looked at


# An account belongs to one of these.
OWNERS = {
    "agent": ("cash", "commission", "wallet"),
    "contract": ("debt",),
    "device": ("access due",),
    "customer": ("credit", "claim"),
    "payment": ("unapplied",),
    "provider": ("clearing",),
}
NOBODY = " OR ".join(
    f"(a.kind IN ({', '.join(repr(kind) for kind in kinds)}) AND NOT EXISTS (SELECT 1 FROM {table} WHERE id = a.owner))"
    for table, kinds in OWNERS.items()
)


def booked(key: str, *kinds: str) -> str:
    """What an entry moves on accounts of these kinds, by its key."""
    listed = ", ".join(repr(kind) for kind in kinds)
    return (
        "(SELECT COALESCE(SUM(l.amount), 0) FROM entry e JOIN line l ON l.entry_id = e.id JOIN account a"
        f" ON a.id = l.account_id WHERE e.key = {key} AND a.kind IN ({listed}))"
    )


def numbered(column: str, before: str) -> str:
    """The number at the end of a key that begins so; NULL for other keys."""
    return f"CASE WHEN {column} LIKE '{before}%' THEN CAST(SUBSTR({column}, {len(before) + 1}) AS BIGINT) END"


# What is held back ends with these.
ON_ITS_WAY = """SELECT 'push ' || p.id AS key, p.amount FROM payment_request p JOIN contract k ON k.id = p.contract_id
  WHERE p.state IN ('new', 'asked', 'unknown') AND k.terms = 'instalments'
  UNION ALL SELECT 'cash request ' || id, amount FROM cash_request WHERE state = 'asked'"""
OF_SALE = booked("'sale ' || s.id || ' payment'", "cash", "wallet", "unapplied", "office cash")
OF_PAYMENT = booked("'payment ' || p.id", "unapplied")
OF_HAND_IN = booked("'hand in ' || h.id || ' cash'", "cash")
OF_TOP_UP = booked("'top up ' || t.id", "wallet")
KEPT_SUMS, WEEKS = "0015_kept_sums", "0019_money_weeks"
OF_COMMISSION = booked("'sale ' || s.id || ' commission'", "commission")
CHECKS = (
    # The ledger in itself.
    Check(
        """SELECT e.id, e.key, e.line_count, COUNT(l.id) AS lines FROM entry e LEFT JOIN line l ON l.entry_id = e.id
        GROUP BY e.id, e.key, e.line_count HAVING COUNT(l.id) <> e.line_count ORDER BY e.id LIMIT 1""",
        "Entry {id} ({key}) says that it has {line_count} lines, and has {lines}.",
    ),
    Check(
        """SELECT e.id, e.key, a.currency, SUM(l.amount) AS sum FROM entry e JOIN line l ON l.entry_id = e.id
        JOIN account a ON a.id = l.account_id GROUP BY e.id, e.key, a.currency HAVING SUM(l.amount) <> 0
        ORDER BY e.id LIMIT 1""",
        "The lines of entry {id} ({key}) add up to {sum} instead of 0.",
    ),
    Check(
        """SELECT e.id, e.key, e.reverses_id FROM entry e JOIN line l ON l.entry_id = e.reverses_id
        LEFT JOIN line o ON o.entry_id = e.id AND o.account_id = l.account_id
        WHERE COALESCE(o.amount, 0) <> -l.amount ORDER BY e.id LIMIT 1""",
        "Entry {id} ({key}) reverses entry {reverses_id}, and not by its amounts.",
    ),
    Check(
        """SELECT a.id, a.kind, a.owner, a.balance, COALESCE(s.sum, 0) AS sum FROM account a
        LEFT JOIN (SELECT account_id, SUM(amount) AS sum FROM line GROUP BY account_id) s ON s.account_id = a.id
        WHERE a.balance <> COALESCE(s.sum, 0) ORDER BY a.id LIMIT 1""",
        "Account {id} says {balance}, and its lines add up to {sum} ({kind}, {owner}).",
    ),
    Check(
        f"SELECT a.id, a.kind, a.owner FROM account a WHERE {NOBODY} ORDER BY a.id LIMIT 1",
        "Account {id} ({kind}) is of number {owner}, and there is none.",
    ),
    Check(
        """SELECT id, kind, owner, balance FROM account WHERE balance < 0 AND kind IN ('debt', 'claim', 'access due')
        OR balance > 0 AND kind IN ('wallet', 'credit', 'unapplied') ORDER BY id LIMIT 1""",
        "More was spent or paid than there was: account {id} ({kind}, {owner}) says {balance}.",
    ),
    # What stands beside the ledger says the same.
    Check(
        """SELECT i.contract_id + 1000 AS contract, i.number, i.paid, COALESCE(SUM(a.amount), 0) AS sum
        FROM instalment i LEFT JOIN allocation a ON a.instalment_id = i.id
        GROUP BY i.id, i.contract_id, i.number, i.paid HAVING i.paid <> COALESCE(SUM(a.amount), 0)
        ORDER BY i.id LIMIT 1""",
        "Instalment {number} of contract S{contract} says {paid} paid, and its allocations add up to {sum}.",
    ),
    Check(
        """SELECT c.id + 1000 AS contract, COALESCE(d.balance, 0) AS balance, COALESCE(i.owed, 0) AS owed
        FROM contract c LEFT JOIN account d ON d.kind = 'debt' AND d.owner = c.id
        LEFT JOIN (SELECT contract_id, SUM(amount - paid) AS owed FROM instalment GROUP BY contract_id) i
        ON i.contract_id = c.id WHERE COALESCE(d.balance, 0) <> COALESCE(i.owed, 0) ORDER BY c.id LIMIT 1""",
        "The books say that {balance} is owed on contract S{contract}, and its instalments {owed}.",
    ),
    Check(
        f"""SELECT s.id, s.reference, s.amount, {OF_SALE} AS booked FROM sale s WHERE s.amount <> {OF_SALE}
        ORDER BY s.id LIMIT 1""",
        "Sale {reference} is of {amount}, and its entry took {booked}.",
    ),
    Check(
        f"""SELECT s.id, s.reference, s.commission, -{OF_COMMISSION} AS booked FROM sale s
        WHERE s.commission <> -{OF_COMMISSION} ORDER BY s.id LIMIT 1""",
        "The commission of sale {reference} is {commission}, and {booked} is booked.",
    ),
    # Cash is applied as it is taken: what is done again with it later is another part. Of other money the ledger says
    # what is sold, credit, and unapplied still.
    Check(
        """SELECT p.id, p.reference, p.amount, COALESCE(s.sum, 0) AS sum FROM payment p
        LEFT JOIN (SELECT payment_id, SUM(amount) AS sum FROM sale WHERE part = 1 GROUP BY payment_id) s
        ON s.payment_id = p.id WHERE p.provider IN ('cash', 'wallet') AND p.amount <> COALESCE(s.sum, 0)
        ORDER BY p.id LIMIT 1""",
        "Payment {id} ({reference}) is of {amount}, and its sales add up to {sum}.",
    ),
    Check(
        f"""SELECT p.id, p.provider, p.reference, p.amount, -{OF_PAYMENT} AS booked FROM payment p
        WHERE p.provider NOT IN ('cash', 'wallet') AND p.amount <> -{OF_PAYMENT} ORDER BY p.id LIMIT 1""",
        "Payment {provider} {reference} is of {amount}, and {booked} is booked.",
    ),
    Check(
        f"""SELECT h.id, h.reference, h.amount, -{OF_HAND_IN} AS booked FROM hand_in h
        WHERE h.amount <> -{OF_HAND_IN} ORDER BY h.id LIMIT 1""",
        "Hand-in {reference} is of {amount}, and {booked} is booked.",
    ),
    Check(
        f"""SELECT t.id, t.reference, t.amount, -{OF_TOP_UP} AS booked FROM top_up t
        WHERE t.amount <> -{OF_TOP_UP} ORDER BY t.id LIMIT 1""",
        "Top-up {reference} is of {amount}, and {booked} is booked.",
    ),
    Check(
        f"""SELECT r.id, r.key, r.amount FROM reservation r
        LEFT JOIN payment_request p ON p.id = {numbered("r.key", "push ")}
        LEFT JOIN cash_request c ON c.id = {numbered("r.key", "cash request ")}
        WHERE r.state = 'open'
          AND NOT COALESCE(r.kind = 'debt' AND r.owner = p.contract_id AND r.amount <= p.amount
            AND p.state IN ('new', 'asked', 'unknown'), FALSE)
          AND NOT COALESCE(c.state = 'asked' AND r.owner = c.agent_id AND r.amount = c.amount, FALSE)
        ORDER BY r.id LIMIT 1""",
        "{amount} is held back for {key}, which has ended or is another amount.",
    ),
    Check(
        f"""SELECT w.key, w.amount FROM ({ON_ITS_WAY}) w WHERE NOT EXISTS
        (SELECT 1 FROM reservation r WHERE r.key = w.key AND r.state = 'open') ORDER BY w.key LIMIT 1""",
        "{amount} of {key} is on its way, and nothing is held back for it.",
    ),
    Check(
        """SELECT d.serial, d.count, MAX(t.count) AS used FROM device d JOIN token t ON t.device_id = d.id
        GROUP BY d.id, d.serial, d.count HAVING MAX(t.count) > d.count ORDER BY d.id LIMIT 1""",
        "{serial} has count {count}, and a token with {used} was made for it.",
    ),
    # What pages read in place of all rows.
    Check(
        """SELECT provider, day, settled, direction, SUM(number) AS number, SUM(amount) AS amount FROM (
          SELECT provider, day, settled, direction, number, amount FROM statement_sum
          UNION ALL SELECT provider, $DAY, settled, direction, -1, -amount FROM statement_line) AS both_ways
        GROUP BY provider, day, settled, direction HAVING SUM(number) <> 0 OR SUM(amount) <> 0
        ORDER BY provider, day, settled, direction LIMIT 1""",
        "The sum of {day} has {number} lines of {provider}, '{settled}' {direction}, and {amount} too much.",
        KEPT_SUMS,
    ),
    Check(
        """SELECT id, SUM(kept) AS kept FROM (
          SELECT payment_id AS id, COALESCE(line_id, 0) AS line, 1 AS kept FROM unmatched
          UNION ALL SELECT p.id, COALESCE(l.id, 0), -1 FROM payment p
            LEFT JOIN statement_line l ON l.payment_id = p.id AND l.direction = 'in'
            WHERE p.provider NOT IN ('cash', 'wallet') AND (l.id IS NULL OR l.amount <> p.amount)) AS both_ways
        GROUP BY id, line HAVING SUM(kept) <> 0 ORDER BY id, SUM(kept) LIMIT 1""",
        "Whether a line of a statement fits payment {id} is kept otherwise than it is.",
        KEPT_SUMS,
    ),
    Check(
        """SELECT what, provider, SUM(number) AS number, SUM(amount) AS amount FROM (
          SELECT what, mini_grid_id, agent_id, provider, number, amount, commission FROM money_week
          UNION ALL SELECT what, mini_grid_id, agent_id, provider, -number, -amount, -commission
            FROM money_day) AS both_ways
        GROUP BY what, provider, mini_grid_id, agent_id
        HAVING SUM(number) <> 0 OR SUM(amount) <> 0 OR SUM(commission) <> 0
        ORDER BY what, provider, mini_grid_id, agent_id LIMIT 1""",
        "The sums of weeks have {number} of {what} by {provider}, and {amount}, more than those of their days.",
        WEEKS,
    ),
)


STEPS = "SELECT name FROM tortoise_migrations"
# $DAY: the day (UTC) of a line, as the triggers of 0015_kept_sums have it.
DAY_ON_SQLITE, DAY_ON_POSTGRES = "substr(at, 1, 10)", "CAST(at AT TIME ZONE 'UTC' AS DATE)"
# SQLite says 1.0, and PostgreSQL 1. Whoever reads a copy has another database open, or none.
ENGINE = "SELECT CAST(1 AS REAL) || '' AS one"


async def ask_here(statement: str) -> Rows:
    return await execute(connection(), statement)


async def find_fault(ask: Ask = ask_here) -> str:
    """The first thing in the books that does not add up, in one sentence; empty when all does. A database of an older
    version is looked at as well: what it has not is not asked for."""
    steps, [engine] = {row["name"] for row in await ask(STEPS)}, await ask(ENGINE)
    day = DAY_ON_SQLITE if engine["one"] == "1.0" else DAY_ON_POSTGRES
    for check in CHECKS:
        if check.made_by and check.made_by not in steps:
            continue
        if rows := await ask(check.wrong.replace("$DAY", day)):
            # PostgreSQL has sums as decimals, and would write 80000 as 8E+4.
            return check.says.format(
                **{name: int(value) if isinstance(value, Decimal) else value for name, value in rows[0].items()}
            )
    return ""


# Accounts through which money only passes: what is on one waits for somebody. The oldest line that is not covered is
# looked for among the newest thousands, the last money in being what is there.
PASSING = """SELECT a.id, a.kind, a.balance, CASE a.kind WHEN 'clearing' THEN p.name
    ELSE y.provider || ' ' || y.reference END AS whose
  FROM account a LEFT JOIN provider p ON a.kind = 'clearing' AND p.id = a.owner
  LEFT JOIN payment y ON a.kind = 'unapplied' AND y.id = a.owner
  WHERE a.kind IN ('clearing', 'unapplied') AND a.balance <> 0 ORDER BY a.id"""
SINCE = """SELECT MIN(e.effective_at) AS since FROM (
    SELECT entry_id, amount, SUM(amount) OVER (ORDER BY id DESC) AS sum FROM (
      SELECT id, entry_id, amount FROM line WHERE account_id = {account} AND {sign} * amount > 0
      ORDER BY id DESC LIMIT 10000) newest) back
  JOIN entry e ON e.id = back.entry_id WHERE {sign} * (back.sum - back.amount) < {sign} * {balance}"""


@dataclass(frozen=True)
class Passing:
    """An account that must return to zero and has not yet. Money is in minor units."""

    kind: str
    whose: str  # the name of a provider, or of a payment
    balance: int
    since: datetime  # of the oldest money that is there


async def must_return_to_zero(ask: Ask = ask_here) -> list[Passing]:
    """What providers have of ours and what payments have unapplied, the oldest first."""
    found = []
    for row in await ask(PASSING):
        account, amount = int(row["id"]), int(row["balance"])
        [first] = await ask(SINCE.format(account=account, balance=amount, sign=1 if amount > 0 else -1))
        found.append(Passing(row["kind"], row["whose"] or "", amount, read_moment(first["since"])))
    return sorted(found, key=lambda each: (each.since, each.kind, each.whose))


KEPT = "books checked"
KEEP_ALONE = "SELECT pg_advisory_xact_lock(7269433)"  # two servers that keep the same fault at once would both be first


@dataclass(frozen=True)
class Checked:
    """The last time that the books were added up, and what was wrong."""

    at: int  # ms
    fault: str  # a sentence; empty when all was well


async def last_check() -> Checked | None:
    """None: they never were."""
    kept = await Setting.get_or_none(name=KEPT)
    if kept is None:
        return None
    at, _, fault = kept.value.partition(" ")
    return Checked(int(at), fault)


async def keep_check(fault: str) -> None:
    """Keep what was found, in the caller's unit of work; the office has an alert of what is wrong, once a day however
    many servers look."""
    if on_postgres():
        await execute(connection(), KEEP_ALONE)
    before, now = await last_check(), now_ms()
    await Setting.update_or_create({"value": cut(f"{now} {fault}", 200)}, name=KEPT)
    same = before is not None and before.fault == cut(fault, 200 - len(f"{now} ")) and now - before.at < DAY_MS // 2
    if fault and not same:
        await raise_alert(f"The books do not add up: {fault}")
