"""The office at the prompt: sales taken back and moved, claims, devices and debts, each by somebody with a password."""

import asyncio
from collections.abc import Callable

import pytest

from bot.app import assembled
from bot.config import load
from models.money.books import find_fault
from models.money.ledger import AccountKind, Posting, post
from tests.world.people import Phones
from tests.world.prompt import Run, do_in_one_work, query

pytestmark = pytest.mark.everyday_on_sqlite

PASSWORDS = {"admin": "mwanga-demo", "grace": "a long password", "tatu": "another password", "omari": "one of his own"}
ROLES = {"grace": "finance", "tatu": "support", "omari": "auditor"}  # admin is the owner
By = Callable[..., str]
YES = "1 482915"


@pytest.fixture
def by(run: Run) -> By:
    """A command by somebody of the office: what it says."""
    for name, role in ROLES.items():
        assert run("admin", "add", name, "--role", role, input=f"{PASSWORDS[name]}\n").exit_code == 0

    def typed(who: str, *words: object) -> str:
        return run(*words, "--by", who, input=f"{PASSWORDS[who]}\n").output

    return typed


def text(url: str, *texts: str) -> str:
    """Asha sends these texts; the reference of the last sale."""

    async def work() -> None:
        async with assembled(load(database=url), serving=False) as mwanga:
            phones = Phones(mwanga)
            for each in texts:
                await phones.text("Asha", each)

    asyncio.run(work())
    return str(query(url, "SELECT reference FROM sale ORDER BY id DESC LIMIT 1")[0]["reference"])


def test_a_sale_is_taken_back_by_two(by: By, run: Run, demo_url: str) -> None:
    sale = text(demo_url, "BUY EB100042 4000", YES)
    assert f"Nobody wants sale {sale} taken back." in by("grace", "sale", "void", sale)
    assert "is to be taken back. Another one" in by("grace", "sale", "void", sale, "--reason", "wrong bike")
    assert f"{sale}, TZS 4,000, Neema Paulo, grace " in run("sale", "voids").output
    assert "grace proposed it." in by("grace", "sale", "void", sale)
    assert by("admin", "sale", "void", sale.lower()) == f"Sale {sale}, TZS 4,000, is taken back.\n"
    assert f"{sale} is void already." in by("admin", "sale", "void", sale)
    assert "There is no sale NONE1." in by("admin", "sale", "void", "NONE1")
    assert run("sale", "voids").output == ""
    said = [row["text"] for row in query(demo_url, "SELECT text FROM outbox ORDER BY id")][-2:]
    assert said[0].startswith(f"VOID {sale}: TZS 4,000") and said[1].startswith("VOID: your TZS 4,000")
    assert do_in_one_work(demo_url, find_fault) == ""


def test_a_void_that_an_agent_asked_for_is_refused(by: By, run: Run, demo_url: str) -> None:
    sale = text(demo_url, "BUY EB100042 4000", YES, "VOID 1 wrong bike", YES)
    assert "wrong bike" in run("sale", "voids").output
    assert by("grace", "sale", "refuse-void", sale) == f"Sale {sale} stands.\n"
    assert "Nobody wants sale" in by("grace", "sale", "refuse-void", sale)
    [last] = query(demo_url, "SELECT text FROM outbox ORDER BY id DESC LIMIT 1")
    assert last["text"].startswith(f"NOT VOID: sale {sale}, TZS 4,000, stands.")


def test_a_sale_is_moved_and_the_claim_paid_and_written_off(by: By, run: Run, demo_url: str) -> None:
    sale = text(demo_url, "BUY SHS0283 8000", YES)
    assert f"Sale {sale} was for this device." in by("grace", "sale", "move", sale, "SHS0283")
    assert "There is no device NONE1." in by("grace", "sale", "move", sale, "NONE1")
    asked = by("grace", "sale", "move", sale, "EB100042", "--reason", "the bike was meant")
    assert asked.startswith(f"Sale {sale} is to be for EB100042. Another one")
    assert "grace proposed it." in by("grace", "sale", "move", sale, "EB100042")
    assert "grace asked for something else" in by("admin", "sale", "move", sale, "04123456784")
    assert len(query(demo_url, "SELECT id FROM sale")) == 1, "nothing is moved by one"
    moved = by("admin", "sale", "move", sale, "EB100042")
    assert moved.startswith("TZS 8,000 are for EB100042 now: sale ")
    assert moved.endswith("Customer 2, Baraka Peter, owes TZS 8,000.\n")
    assert "was moved to another device" in by("grace", "sale", "move", sale, "04123456784")
    baraka, neema = (run("customer", "statement", number).output.splitlines() for number in (2, 3))
    assert baraka[1].endswith(f"ref {sale} MOVED TO ANOTHER DEVICE") and baraka[2] == "0 payments, TZS 0."
    assert baraka[-1] == "TZS 8,000 is owed for power that somebody else had paid."
    assert neema[2] == "1 payment, TZS 8,000."
    [row] = run("customer", "statement", 2, "--csv").output.splitlines()[1:]
    assert row.endswith(",moved")
    assert run("claim", "list").output.startswith("2 Baraka Peter, +255710000002: TZS 8,000 since ")
    assert "customer 2 owes TZS 8,000." in by("grace", "claim", "paid", 2, 9000)
    assert by("grace", "claim", "paid", 2, 5000) == "Booked. Customer 2 owes TZS 3,000.\n"
    assert "add --reason" in by("grace", "claim", "write-off", 2)
    assert "are to be written off." in by("grace", "claim", "write-off", 2, "--reason", "moved away")
    assert by("admin", "claim", "write-off", 2) == "TZS 3,000 are written off.\n"
    assert "Customer 2 owes nothing." in by("admin", "claim", "write-off", 2)
    assert "There is no customer 99." in by("admin", "claim", "paid", 99, 1)
    assert run("claim", "list").output == "" and do_in_one_work(demo_url, find_fault) == ""


def test_devices_come_back_go_to_others_and_out_of_use(by: By, demo_url: str) -> None:
    why = ("--reason", "moved away")
    refused = by("tatu", "device", "transfer", "SHS0283", 3, *why)
    assert "TZS 1,092,000 is open on S1001" in refused and "Or add --with-debt" in refused
    asked = by("tatu", "device", "transfer", "SHS0283", 3, "--with-debt", *why)
    assert asked.startswith("SHS0283 is to go to Neema Paulo. Another one")
    done = by("admin", "device", "transfer", "SHS0283", 3, "--with-debt", *why)
    assert done == "SHS0283 belongs to Neema Paulo now.\n"
    assert "belongs to this customer" in by("tatu", "device", "transfer", "SHS0283", 3, *why)
    assert "is open on S1001" in by("tatu", "device", "retire", "SHS0283", *why)
    back = by("grace", "device", "return", "SHS0283", *why)
    assert back == "SHS0283 is in stock.\nTZS 1,092,000 that was open is owed no more.\n"
    assert "nobody has it" in by("grace", "device", "return", "SHS0283", *why)
    assert by("tatu", "device", "retire", "SHS0283", *why) == "SHS0283 is out of use.\n"
    assert "out of use already" in by("tatu", "device", "retire", "SHS0283", *why)
    assert by("tatu", "device", "reuse", "SHS0283", *why) == "SHS0283 is in stock again.\n"
    assert by("tatu", "device", "reuse", "SHS0283", *why) == "SHS0283 is not out of use.\n"
    assert do_in_one_work(demo_url, find_fault) == ""


def test_who_agrees_to_a_device_with_a_debt_moves_money(by: By, run: Run, demo_url: str) -> None:
    """Support may ask for it, as at the customer's page, and two of support are no second person for money."""
    run("admin", "add", "halima", "--role", "support", input="a third password\n")
    move = ("device", "transfer", "SHS0283", 3, "--with-debt", "--reason", "moved away")
    assert by("tatu", *move).startswith("SHS0283 is to go to Neema Paulo. Another one")
    second = run(*move, "--by", "halima", input="a third password\n").output
    assert "halima is support: this is for finance and owner." in second
    assert query(demo_url, "SELECT state FROM proposal") == [{"state": "asked"}]
    assert by("grace", *move) == "SHS0283 belongs to Neema Paulo now.\n"


def test_why_a_device_goes_to_nobody_any_more_is_said(by: By, demo_url: str) -> None:
    move = ("device", "transfer", "SHS0283", 3, "--with-debt", "--reason", "moved away")
    by("tatu", *move)

    async def owe_more() -> None:
        lines = Posting(AccountKind.DEBT, 1, 5000), Posting(AccountKind.GOODS, 0, -5000)
        await post("more", lines, actor="test")

    do_in_one_work(demo_url, owe_more)
    assert "TZS 1,092,050 is to be paid on it by now" in by("admin", *move)
    by("grace", "device", "return", "SHS0283", "--reason", "too dear")
    assert "SHS0283 is not the customer's any more who had it then" in by("admin", *move)


def test_a_debt_is_written_off_by_two(by: By, demo_url: str) -> None:
    assert "There is no sale S9999" in by("grace", "contract", "write-off", "S9999")
    assert "add --reason" in by("grace", "contract", "write-off", "S1001")
    first = by("grace", "contract", "write-off", "S1001", "--reason", "house burnt")
    assert first.startswith("TZS 1,092,000 of S1001 are to be written off. Another one")
    assert "grace proposed it." in by("grace", "contract", "write-off", "S1001")
    assert by("admin", "contract", "write-off", "S1001") == "TZS 1,092,000 of S1001 are written off.\n"
    assert "Nothing is owed on S1001." in by("admin", "contract", "write-off", "S1001")
    assert do_in_one_work(demo_url, find_fault) == ""


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("tatu", ("sale", "void", "NONE1")),
        ("tatu", ("sale", "refuse-void", "NONE1")),
        ("omari", ("sale", "move", "NONE1", "SHS0283")),
        ("tatu", ("agent", "payout", "0700000001", 500)),
        ("tatu", ("agent", "settle", "NONE1")),
        ("tatu", ("claim", "paid", 2, 500)),
        ("omari", ("claim", "write-off", 2)),
        ("tatu", ("contract", "write-off", "S1001")),
        ("tatu", ("device", "return", "SHS0283", "--reason", "broken")),
        ("grace", ("device", "transfer", "SHS0283", 3, "--reason", "moved")),
        ("omari", ("device", "retire", "SHS0283", "--reason", "lost")),
        ("tatu", ("payments", "take", "NONE1")),
        ("omari", ("payments", "assign", "NONE1", "SHS0283")),
    ],
)
def test_a_role_may_at_the_prompt_what_it_may_on_the_pages(by: By, who: str, words: tuple[object, ...]) -> None:
    shut = f"{who} is {ROLES[who]}: this is for "
    assert shut in by(who, *words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("claim", "paid", 10**20, 5), f"There is no customer {10**20}."),
        (("customer", "payout", 10**20, 5), f"There is no customer {10**20}."),
        (("payments", "assign", "NONE1", "--credit", 10**20), f"There is no customer {10**20}."),
        (("sale", "move", "NONE1", "x" * 99), "There is no sale NONE1."),
        (("device", "return", "x" * 99, "--reason", "broken"), f"There is no device {'x' * 99}."),
    ],
)
def test_what_no_row_can_be_called_is_not_there(by: By, words: tuple[object, ...], said: str) -> None:
    assert said in by("grace", *words)


def test_no_customer_and_no_push_has_so_high_a_number(run: Run) -> None:
    assert f"There is no customer {10**20}." in run("customer", "phone", 10**20, "none").output
    assert f"There is no push {10**20}." in run("payments", "park", 10**20).output


def test_money_goes_out_of_a_wallet_by_two(by: By, run: Run, demo_url: str) -> None:
    run("agent", "set", "0700000001", "--prepaid")
    run("agent", "topup", "0700000001", 500)
    pay = ("agent", "payout", "0700000001", 300)
    assert by("grace", *pay).startswith("TZS 300 of Asha Mushi are to be paid out. Another one")
    assert "grace proposed it." in by("grace", *pay)
    assert "grace asked for something else" in by("admin", "agent", "payout", "0700000001", 400)
    assert query(demo_url, "SELECT state FROM proposal") == [{"state": "asked"}]
    assert by("admin", *pay) == "PAID OUT TZS 300 to Asha Mushi. The wallet has TZS 200 now.\n"
    assert query(demo_url, "SELECT asked_by, decided_by, state FROM proposal") == [
        {"asked_by": "grace", "decided_by": "admin", "state": "done"}
    ]
    [last] = query(demo_url, "SELECT text FROM outbox ORDER BY id DESC LIMIT 1")
    assert last["text"].startswith("PAID OUT TZS 300") and do_in_one_work(demo_url, find_fault) == ""
