"""What the database itself refuses, whoever asks: money that does not balance, figures that no line moved, rows that
are booked and would change, counts that would fall, states that would go back, and values that mean nothing.

PostgreSQL has checks and deferred constraint triggers. SQLite has neither where a table stands already: there the same
rules are triggers, and what counts at the commit alone is a foreign key that is checked then.
"""

import re
from typing import Any, NamedTuple

from tortoise import migrations
from tortoise.migrations import operations as ops

# Tables that only grow, with what is unique in each beside its id: SQLite's REPLACE would take a booked row away.
APPEND_ONLY: dict[str, tuple[str, ...]] = {
    "entry": ("key", "reverses_id"),
    "line": ("entry_id, account_id",),
    "payment": ("provider, reference",),
    "sale": ("key", "reference", "payment_id, part", "replaces_id"),
    "token": ("sale_id", "device_id, count"),
    "allocation": ("reverses_id",),
    "evidence": ("source, provider, reference",),
    "hand_in": ("reference", "corrects_id"),
    "hand_in_event": (),
    "top_up": ("reference", "payment_id"),
    "day_close": ("day, subject",),
    "statement_file": ("provider, begins_at, ends_at",),
    "audit": (),
    "registration": ("key",),
    "ticket_event": (),
}
# Columns say what is in them: `@name` is the column of the row that is written.
KINDS = (
    *("cash", "debt", "access due", "claim", "clearing", "commission", "wallet", "credit", "unapplied"),
    *("office cash", "bank", "energy sold", "days sold", "access rate", "goods"),
    *("commission cost", "fees", "write-offs", "adjustments"),
)


def one_of(column: str, *values: str) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"@{column} IN ({listed})"


CHECKS: tuple[tuple[str, str, str], ...] = (
    ("account", "kind", one_of("kind", *KINDS)),
    # Nobody spends what is not there: the company owes these people, or has what it owed them paid out.
    ("account", "owed", "@balance <= 0 OR @kind NOT IN ('wallet', 'credit', 'unapplied')"),
    ("account", "due", "@balance >= 0 OR @kind NOT IN ('debt', 'claim')"),
    ("entry", "lines", "@line_count >= 2"),
    ("line", "amount", "@amount <> 0"),
    ("payment", "amount", "@amount > 0"),
    ("sale", "amount", "@amount > 0 AND @part > 0"),
    ("sale", "unit", one_of("unit", "", "days", "energy", "unlock")),
    ("sale", "units", "@units >= 0"),
    ("sale", "parts", "@recovered >= 0 AND @access >= 0 AND @owed >= 0 AND @commission >= 0"),
    ("sale", "price", "@price >= 0 AND @components >= 0"),
    ("sale", "credit", "@credit_before >= 0 AND @credit_after >= 0"),
    ("token", "count", "@count >= 0"),
    ("device", "count", "@count >= 0"),
    ("device", "access_due", "@access_due >= 0"),
    ("allocation", "amount", "(@reverses_id IS NULL AND @amount > 0) OR (@reverses_id IS NOT NULL AND @amount < 0)"),
    ("instalment", "paid", "@paid >= 0 AND @paid <= @amount"),
    ("contract", "terms", one_of("terms", "cash", "instalments", "service")),
    ("contract", "price", "@price >= 0 AND @down >= 0 AND @day_price >= 0"),
    ("contract", "earned", "@earned >= 0 AND @earned <= @commission"),
    ("hand_in", "amount", "@corrects_id IS NOT NULL OR (@amount > 0 AND @commission >= 0)"),
    ("hand_in_event", "step", one_of("step", "disputed", "proposed", "settled")),
    ("evidence", "amount", "@amount > 0"),
    ("reservation", "amount", "@amount > 0"),
    ("reservation", "kind", one_of("kind", *KINDS)),
    ("reservation", "state", one_of("state", "open", "used", "released")),
    ("payment_request", "amount", "@amount > 0"),
    ("payment_request", "state", one_of("state", "new", "asked", "paid", "failed", "unknown", "expired")),
    ("cash_request", "amount", "@amount > 0"),
    ("cash_request", "state", one_of("state", "asked", "sold", "declined", "expired")),
    ("statement_line", "amount", "@amount > 0"),
    ("statement_line", "direction", one_of("direction", "in", "out", "fee")),
    ("void", "state", one_of("state", "asked", "done", "refused")),
    ("receipt_text", "state", one_of("state", "paid", "seen", "waiting", "ignored", "refused")),
    ("agent", "limits", "@cash_limit >= 0 AND @commission BETWEEN 0 AND 10000"),
    ("agent", "goods", "@goods_commission BETWEEN 0 AND 10000"),
    ("customer", "gender", one_of("gender", "female", "male", "other")),
    (
        "customer",
        "position",
        "(@latitude IS NULL) = (@longitude IS NULL) AND"
        " COALESCE(@latitude BETWEEN -90 AND 90 AND @longitude BETWEEN -180 AND 180, TRUE)",
    ),
    ("tariff", "price", "@price >= 0 AND @components >= 0 AND @access_rate >= 0"),
)


class Rule(NamedTuple):
    """A change that is refused: the trigger's name and table, what sets it off, when it counts, and what it says."""

    name: str
    table: str
    event: str
    when: str
    says: str


# $OUTSIDE is true unless one of our own triggers makes the change.
RULES = (
    Rule("account_opens", "account", "INSERT", "NEW.balance <> 0", "a new account holds nothing"),
    Rule("account_moves", "account", "UPDATE OF balance", "NEW.balance <> OLD.balance AND $OUTSIDE", "lines alone move a balance"),
    Rule(
        "account_stays",
        "account",
        "UPDATE OF id, kind, owner, currency",
        "NEW.id <> OLD.id OR NEW.kind <> OLD.kind OR NEW.owner <> OLD.owner"
        " OR (OLD.currency <> '' AND NEW.currency <> OLD.currency)",
        "an account stays what it is",
    ),
    Rule("account_kept", "account", "DELETE", "", "accounts are kept"),
    Rule("instalment_begins", "instalment", "INSERT", "NEW.paid <> 0", "a new instalment is not paid"),
    Rule("instalment_moves", "instalment", "UPDATE OF paid", "NEW.paid <> OLD.paid AND $OUTSIDE", "allocations alone pay an instalment"),
    Rule("device_count_rises", "device", "UPDATE OF count", "NEW.count < OLD.count", "a count only rises"),
    Rule("reservation_over", "reservation", "UPDATE OF state", "OLD.state <> 'open' AND NEW.state <> OLD.state", "this reservation is over"),
    Rule(
        "payment_request_forward",
        "payment_request",
        "UPDATE OF state",
        "NEW.state <> OLD.state AND (OLD.state = 'paid' OR NEW.state = 'new')",
        "a request that is paid stays so, and none is new again",
    ),
    Rule("cash_request_forward", "cash_request", "UPDATE OF state", "NEW.state <> OLD.state AND (OLD.state = 'declined' OR (OLD.state = 'sold' AND (OLD.sale_id IS NOT NULL OR NEW.state <> 'asked')))", "this was answered"),
    Rule("void_forward", "void", "UPDATE OF state", "NEW.state <> OLD.state AND OLD.state <> 'asked'", "this was decided"),
)


async def guard(_apps: object, editor: Any) -> None:
    run = editor.client.execute_script
    sqlite = editor.client.capabilities.dialect == "sqlite"
    for statement in statements_of_sqlite() if sqlite else statements_of_postgres():
        await run(statement)


def statements_of_postgres() -> list[str]:
    made = [REFUSE, MOVE_BALANCES, CHECK_ENTRY, PAY_INSTALMENT]
    for table in APPEND_ONLY:
        made += [
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION refuse('{table} is append only')",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse('{table} is append only')",
        ]
    for table in ("account", "instalment", "contract", "device"):
        made.append(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION refuse('{table}s are kept')"
        )
    for rule in RULES:
        when = f"WHEN ({rule.when.replace('$OUTSIDE', 'pg_trigger_depth() = 0')})" if rule.when else ""
        made.append(
            f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} "
            f"FOR EACH ROW {when} EXECUTE FUNCTION refuse('{rule.says}')"
        )
    for table, name, condition in CHECKS:
        check = condition.replace("@", "")
        made.append(f"ALTER TABLE {table} ADD CONSTRAINT {table}_{name}_check CHECK ({check})")
    return made


REFUSE = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$"""
# Once for a statement, however many lines it has, and the accounts in one order: all lines of a unit of work on the
# company's accounts are one statement, at its end. An entry that was committed has all its lines.
MOVE_BALANCES = """CREATE FUNCTION move_balances() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM entry e WHERE e.id IN (SELECT entry_id FROM added)
      AND e.line_count < (SELECT COUNT(*) FROM line l WHERE l.entry_id = e.id)) THEN
    RAISE EXCEPTION 'an entry takes no more lines than it says' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  PERFORM 1 FROM account WHERE id IN (SELECT account_id FROM added) ORDER BY id FOR NO KEY UPDATE;
  UPDATE account SET balance = balance + moved.sum
    FROM (SELECT account_id, SUM(amount)::bigint AS sum FROM added GROUP BY account_id) moved
    WHERE account.id = moved.account_id;
  RETURN NULL; END $$;
CREATE TRIGGER line_moves AFTER INSERT ON line REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION move_balances()"""
CHECK_ENTRY = """CREATE FUNCTION check_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.line_count <> (SELECT COUNT(*) FROM line WHERE entry_id = NEW.id) THEN
    RAISE EXCEPTION 'entry % has not all its lines', NEW.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF EXISTS (SELECT 1 FROM line l JOIN account a ON a.id = l.account_id WHERE l.entry_id = NEW.id
      GROUP BY a.currency HAVING SUM(l.amount) <> 0) THEN
    RAISE EXCEPTION 'entry % does not balance', NEW.id USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER entry_balances AFTER INSERT ON entry DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION check_entry()"""
PAY_INSTALMENT = """CREATE FUNCTION pay_instalment() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.reverses_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM allocation WHERE id = NEW.reverses_id
      AND instalment_id = NEW.instalment_id AND sale_id = NEW.sale_id AND amount = -NEW.amount) THEN
    RAISE EXCEPTION 'what is taken back is another amount' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  UPDATE instalment SET paid = paid + NEW.amount WHERE id = NEW.instalment_id;
  RETURN NULL; END $$;
CREATE TRIGGER allocation_pays AFTER INSERT ON allocation FOR EACH ROW EXECUTE FUNCTION pay_instalment()"""


def statements_of_sqlite() -> list[str]:
    made = list(SQLITE)
    for table, uniques in APPEND_ONLY.items():
        for verb in ("UPDATE", "DELETE"):
            made.append(refusing(f"{table}_no_{verb.lower()}", table, verb, "", f"{table} is append only"))
        there = " OR ".join(is_there(table, columns) for columns in ("id", *uniques))
        made.append(refusing(f"{table}_no_replace", table, "INSERT", there, f"{table} is append only"))
    made.append(refusing("account_no_replace", "account", "INSERT", is_there("account", "id"), "accounts are kept"))
    for rule in RULES:
        when = rule.when.replace("$OUTSIDE", "NOT EXISTS (SELECT 1 FROM moving)")
        made.append(refusing(rule.name, rule.table, rule.event, when, rule.says))
    for table, name, condition in CHECKS:
        columns = ", ".join(dict.fromkeys(re.findall(r"@(\w+)", condition)))
        broken = f"NOT ({condition.replace('@', 'NEW.')})"
        for event, when in (("INSERT", "insert"), (f"UPDATE OF {columns}", "update")):
            made.append(refusing(f"{table}_{name}_{when}", table, event, broken, f"{table}_{name}_check"))
    return made


def refusing(name: str, table: str, event: str, when: str, says: str) -> str:
    condition = f"WHEN {when} " if when else ""
    return f"CREATE TRIGGER {name} BEFORE {event} ON {table} {condition}BEGIN SELECT RAISE(ABORT, '{says}'); END"


def is_there(table: str, columns: str) -> str:
    """Whether a row with these values of the new one stands already."""
    same = " AND ".join(f"{column} = NEW.{column}" for column in columns.split(", "))
    return f"EXISTS (SELECT 1 FROM {table} WHERE {same})"


# `open_entry` has what an entry still lacks: lines, and what they add up to in each currency. All of it must be gone at
# the commit, for only 0 is in `zero`. While `moving` has a row a trigger of ours moves a figure.
SQLITE = (
    "CREATE TABLE zero (id INTEGER PRIMARY KEY CHECK (id = 0))",
    "INSERT INTO zero (id) VALUES (0)",
    refusing("zero_kept", "zero", "DELETE", "", "zero is kept"),
    "CREATE TABLE moving (id INTEGER PRIMARY KEY)",
    """CREATE TABLE open_entry (entry_id INTEGER NOT NULL, what TEXT NOT NULL,
    missing INTEGER NOT NULL REFERENCES zero (id) ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (entry_id, what)) WITHOUT ROWID""",
    """CREATE TRIGGER entry_opens AFTER INSERT ON entry BEGIN
    INSERT INTO open_entry (entry_id, what, missing) VALUES (NEW.id, 'lines', NEW.line_count); END""",
    """CREATE TRIGGER line_moves AFTER INSERT ON line BEGIN
    SELECT RAISE(ABORT, 'an entry takes no more lines than it says')
      WHERE NOT EXISTS (SELECT 1 FROM open_entry WHERE entry_id = NEW.entry_id AND what = 'lines');
    INSERT INTO moving (id) VALUES (1);
    UPDATE account SET balance = balance + NEW.amount WHERE id = NEW.account_id;
    DELETE FROM moving;
    UPDATE open_entry SET missing = missing - 1 WHERE entry_id = NEW.entry_id AND what = 'lines';
    INSERT INTO open_entry (entry_id, what, missing)
      SELECT NEW.entry_id, currency, NEW.amount FROM account WHERE id = NEW.account_id
      ON CONFLICT (entry_id, what) DO UPDATE SET missing = missing + excluded.missing;
    DELETE FROM open_entry WHERE entry_id = NEW.entry_id AND missing = 0; END""",
    """CREATE TRIGGER allocation_pays AFTER INSERT ON allocation BEGIN
    SELECT RAISE(ABORT, 'what is taken back is another amount') WHERE NEW.reverses_id IS NOT NULL
      AND NOT EXISTS (SELECT 1 FROM allocation WHERE id = NEW.reverses_id AND instalment_id = NEW.instalment_id
        AND sale_id = NEW.sale_id AND amount = -NEW.amount);
    INSERT INTO moving (id) VALUES (1);
    UPDATE instalment SET paid = paid + NEW.amount WHERE id = NEW.instalment_id;
    DELETE FROM moving; END""",
    refusing(
        "allocation_no_second",
        "allocation",
        "INSERT",
        "NEW.reverses_id IS NULL AND EXISTS (SELECT 1 FROM allocation WHERE sale_id = NEW.sale_id"
        " AND instalment_id = NEW.instalment_id AND reverses_id IS NULL)",
        "allocation is append only",
    ),
)


class Migration(migrations.Migration):
    dependencies = [("models", "0001_tables")]

    operations = [ops.RunPython(guard)]
