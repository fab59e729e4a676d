"""Texts of operators that mobile money came in: `mwanga receipts`. Which phones are believed, how their texts are read,
and those that wait for a person."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from bot.android import linking
from bot.app import assembled
from bot.cli.prompt import ACTOR, asking, fail, load_config, open_database, perform, tidy_name
from bot.cli.who import MOST_ROWS
from bot.company import Company
from bot.receipts import Heard
from bot.receipts.explain import describe, explain
from bot.receipts.reading import read_money
from bot.receipts.rules import BadRule, add_rule, list_operators, list_rules, remove_rule, switch_rule
from bot.receipts.shipped import Rule, Way
from bot.server import Server
from bot.text.controls import without_controls
from bot.text.numbers import sender as read_sender
from models.messages import Phone, read_sims
from models.messages.phones import phone_id
from models.money import receipt_texts as kept
from models.money.receipt_texts import NotWaiting, ReceiptRule, ReceiptText, ReceiptWallet
from models.sql import now_ms

receipts_cli = typer.Typer(
    no_args_is_help=True,
    help="Receipt texts: bind a SIM card to an operator, rules by which texts are read, texts that wait for a person.",
)

Name = Annotated[str, typer.Argument(help="the rule's name", callback=tidy_name)]
PhoneName = Annotated[str, typer.Argument(help="what the office calls the gateway phone", callback=tidy_name)]
Sim = Annotated[int, typer.Option(min=1, max=8, help="the SIM card's place in the phone")]
Id = Annotated[int, typer.Argument(help="its number in `mwanga receipts waiting`", min=1, max=MOST_ROWS)]
Provider = Annotated[str, typer.Option("--provider", help="the operator, like mpesa-tz")]


@receipts_cli.command("bind")
def receipts_bind(
    phone: PhoneName,
    provider: Provider,
    sim: Sim = 1,
    balance: Annotated[
        str, typer.Option(help="what the wallet has now; without it a person looks at the first text")
    ] = "",
    trust: Annotated[
        bool, typer.Option("--trust", help="take texts without a balance, though nobody sees if one is made up")
    ] = False,
) -> None:
    """Believe an operator's texts to a SIM card of a gateway phone; once more, with another balance or operator."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            known = await list_operators(company)
            if provider not in known:
                fail(f"{provider} is none of {', '.join(sorted(known))}.")
            found = await linking.find(phone)
            sims = [each.number for each in read_sims(found.sims)]
            if sims and sim not in sims:
                fail(f"{phone} has no SIM {sim}: it has {', '.join(map(str, sims))}.")
            minor = read_money(balance, company) if balance else None
            await kept.bind(found, sim, provider, trusted=trust, balance=minor, actor=ACTOR)
        typer.echo(f"Texts of {provider} to SIM {sim} of {phone} become payments.")
        if not balance:
            typer.echo("The first one waits for a person, who says that its balance is right.")

    perform(work())


@receipts_cli.command("unbind")
def receipts_unbind(phone: PhoneName, sim: Sim = 1) -> None:
    """Believe no texts to a SIM card any more: they wait for a person, or are passed over when nothing is bound."""

    async def work() -> None:
        async with open_database(load_config()) as (database, _company), database.work():
            if not await kept.unbind(await linking.find(phone), sim, actor=ACTOR):
                fail(f"SIM {sim} of {phone} is bound to no operator.")
        typer.echo(f"Texts to SIM {sim} of {phone} become no payments any more.")

    perform(work())


@receipts_cli.command("list")
def receipts_list() -> None:
    """Show the SIM cards that are bound, and all rules, those that are off too."""

    async def work() -> None:
        async with open_database(load_config()) as (_database, company):
            for wallet in await kept.list_wallets():
                typer.echo(_wallet_line(wallet, await Phone.get(id=wallet.phone_id), company))
            used = await list_rules(company)
            for rule in used:
                typer.echo(_rule_lines(rule))
            for row in await ReceiptRule.filter(active=False).order_by("name"):
                typer.echo(f"{row.name}: OFF")

    perform(work())


def _wallet_line(wallet: ReceiptWallet, phone: Phone, company: Company) -> str:
    facts = [f"{phone.name} SIM {wallet.sim}", wallet.operator]
    facts += [f"{purse} {company.money(minor)}" for purse, minor in sorted(wallet.all_balances().items())]
    facts += ["trusted without a balance"] if wallet.trusted else []
    return ", ".join([*facts, "unlinked"] if phone.unlinked_at else facts)


def _rule_lines(rule: Rule) -> str:
    whose = "yours" if rule.own else "comes with Mwanga"
    what = "money that goes out, never credited" if rule.way is Way.OUT else whose
    return f"{rule.name}: {rule.operator}, from {' or '.join(rule.senders)}, {what}\n    {rule.text}"


@receipts_cli.command("add")
def receipts_add(
    name: Name,
    provider: Provider,
    sender: Annotated[str, typer.Option(help="the name that such texts come from, whole, like MPESA")],
    template: Annotated[str, typer.Option(help="the text, with fields in brackets: docs/receipt-texts.md")],
) -> None:
    """Add a rule of your own, or change it: the whole text, with [reference], [amount] and others in its place."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company), database.work():
            await add_rule(name, provider, sender, template, company=company, actor=ACTOR)

    _say_what_is_wrong(work)
    typer.echo(f"{name} is used from the next text on. Try it: mwanga receipts test TEXT")


@receipts_cli.command("remove")
def receipts_remove(name: Name) -> None:
    """Remove a rule of your own."""

    async def work() -> None:
        async with open_database(load_config()) as (database, _company), database.work():
            await remove_rule(name, actor=ACTOR)

    _say_what_is_wrong(work)
    typer.echo(f"{name} is removed.")


@receipts_cli.command("on")
def receipts_on(name: Name) -> None:
    """Use a rule again."""
    _switch(name, on=True)
    typer.echo(f"{name} is used.")


@receipts_cli.command("off")
def receipts_off(name: Name) -> None:
    """Leave a rule out, one that comes with Mwanga too; what only it would fit waits for a person."""
    _switch(name, on=False)
    typer.echo(f"{name} is left out.")


def _switch(name: str, *, on: bool) -> None:
    async def work() -> None:
        async with open_database(load_config()) as (database, _company), database.work():
            await switch_rule(name, on=on, actor=ACTOR)

    _say_what_is_wrong(work)


@receipts_cli.command("test")
def receipts_test(
    text: Annotated[str, typer.Argument(help="a whole text of an operator, in quotation marks")],
    sender: Annotated[str, typer.Option(help="who it is from; else it is taken for the right one")] = "",
    phone: Annotated[str, typer.Option(help="the gateway phone, where several are bound")] = "",
    sim: Sim = 1,
) -> None:
    """Say which rule fits a text, what it reads in it, and whether it would be a payment. Nothing is changed."""
    config = load_config()

    async def work() -> None:
        async with open_database(config) as (_database, company):
            wallet = await _wallet(phone, sim)
            place = wallet.sim if wallet else sim
            who = read_sender(sender or "NOBODY", company.country)
            heard = Heard(inbox_id=0, gateway="", sim=place, sender=who, text=text, reached_at=now_ms())
            rules = await list_rules(company)
            for line in await explain(heard, wallet, rules, company, sender_known=bool(sender)):
                typer.echo(line)

    perform(work())


async def _wallet(phone: str, sim: int) -> ReceiptWallet | None:
    """The SIM card that is meant: that of a phone, or the only one that is bound."""
    if phone:
        row = await Phone.get_or_none(name=phone, unlinked_at=0)
        if row is None:
            fail(f"There is no phone {phone}.")
        return await ReceiptWallet.get_or_none(phone_id=row.id, sim=sim)
    wallets = await kept.list_wallets()
    return wallets[0] if len(wallets) == 1 else None


@receipts_cli.command("waiting")
def receipts_waiting() -> None:
    """Show the texts that wait for a person, the oldest first, and why."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            rows = await kept.waiting_texts()
            for row in rows:
                for line in await _lines_of(row, server):
                    typer.echo(line)
            if not rows:
                typer.echo("No text waits.")

    perform(work())


async def _lines_of(row: ReceiptText, server: Server) -> list[str]:
    company, phone = server.company, await Phone.get_or_none(id=phone_id(row.gateway))
    came = datetime.fromtimestamp(row.received_at / 1000, UTC)
    where = f"{phone.name if phone else row.gateway} SIM {row.sim or '?'}"
    text, _found = await server.receipts.look(row)
    head = f"{row.id}. {company.day_by_name(came)} {company.clock(came)}, from {row.sender}, {where}: {row.why}"
    return [head, f"    {without_controls(text)}"]


@receipts_cli.command("accept")
def receipts_accept(
    text_id: Id,
    reference: Annotated[str, typer.Option(help="where no rule fits, or reads it wrong")] = "",
    amount: Annotated[str, typer.Option(help="the same")] = "",
    provider: Annotated[str, typer.Option(help="the same: who has the money, like mpesa-tz")] = "",
    serial: Annotated[str, typer.Option(help="what it is for: a serial or the number of a contract")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing")] = False,
) -> None:
    """Book a text that waits as a payment: shown first, then asked. Look into the operator's own records before."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server:
            async with server.database.work():
                row = await kept.hold_waiting(text_id)
                _text, found = await server.receipts.look(row)
            for line in [*await _lines_of(row, server), *(describe(found, server.company) if found else [])]:
                typer.echo(line)
            minor = read_money(amount, server.company) if amount else None
            payment = await server.receipts.payment_of(
                row, provider=provider, reference=reference, amount=minor, serial=serial
            )
            typer.echo(f"Books {server.company.money(payment.amount)}, {payment.provider} {payment.reference}.")
            with asking():
                sure = yes or typer.confirm("Is the money there, and is this its only text?")
            if not sure:
                fail("Nothing was booked.")
            async with server.database.work():
                new = await server.receipts.accept(text_id, payment, actor=ACTOR)
            typer.echo("Booked." if new else "This payment was booked before: nothing new.")

    _say_what_is_wrong(work)


@receipts_cli.command("refuse")
def receipts_refuse(text_id: Id) -> None:
    """Say that a text which waits is no payment; its reference is never taken by itself afterwards."""

    async def work() -> None:
        async with assembled(load_config(), handling=False, serving=False) as server, server.database.work():
            await server.receipts.refuse(text_id, actor=ACTOR)

    _say_what_is_wrong(work)
    typer.echo("Refused. The text is kept.")


def _say_what_is_wrong(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do the work of a command; what the office cannot do is one sentence."""

    async def asked() -> None:
        try:
            await work()
        except (BadRule, NotWaiting) as error:
            fail(str(error))

    perform(asked())
