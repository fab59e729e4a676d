"""What statements say held against what the books say, and a command to mend each difference: `mwanga reconcile`."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from bot.app import assembled
from bot.cli.dates import Since, Until, read_dates
from bot.cli.prompt import ACTOR, fail, load_config, open_database, perform
from bot.company import Company
from bot.text.controls import without_controls
from handlers.selling.statement_lines import take_line
from models.money import reconciling
from models.money.receiving import BANK, find_payment, normal_reference
from models.money.reconciling import NotSettled, Reconciliation
from models.money.statements import Direction, StatementLine

reconcile_cli = typer.Typer(
    no_args_is_help=True, help="Statements against the books: show the differences, mend each of them."
)

SHOWN = 20  # of each sort
Ref = Annotated[str, typer.Argument(help="the reference of the line on the statement, in any spelling")]
Provider = Annotated[str | None, typer.Option(help=f"whose statement: a provider like daraja, or {BANK}")]
By = Annotated[str, typer.Option(help="who does it: your name")]


@reconcile_cli.command("show")
def reconcile_show(provider: Provider = None, since: Since = None, until: Until = None) -> None:
    """Show what is matched, money without a sale, sales without money, and what mends each."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            async with database.work():
                await reconciling.match(actor=ACTOR)
            dates = read_dates(since, until, company.zone)
            known = await reconciling.known_providers()
            if provider and provider not in known:
                fail(f"{provider} is none of {', '.join(known)}." if known else "There are no statements yet.")
            if not known:
                fail("There are no statements yet: mwanga import statement FILE --provider NAME")
            for name in [provider] if provider else known:
                typer.echo("\n".join(_picture(await reconciling.reconcile(name, *dates.utc), company)))

    perform(work())


@reconcile_cli.command("take")
def reconcile_take(reference: Ref, provider: Provider = None, by: By = ACTOR) -> None:
    """Book a payment that only the statement tells of."""

    async def work() -> None:
        try:
            async with assembled(load_config(), handling=False, serving=False) as server, server.database.work():
                line = await _line(reference, provider, Direction.IN)
                booked = await take_line(line, by, company=server.company, composer=server.composer)
        except NotSettled as error:
            fail(f"Nothing was booked. {error}")
        paid = f"{server.company.money(line.amount)}, {line.provider} {line.reference}"
        typer.echo(f"{paid}: {'booked' if booked.new else 'a payment that we know'}.")
        if booked.messages:
            typer.echo(f"{booked.messages} SMS will go out.")
        if booked.waits:
            typer.echo(f"Nobody knows what it is for: mwanga payments assign {line.reference} ACCOUNT --by NAME")

    perform(work())


@reconcile_cli.command("payout")
def reconcile_payout(reference: Ref, provider: Provider = None, by: By = ACTOR) -> None:
    """Book money that a provider paid to the bank."""

    async def pay_out(line: StatementLine, company: Company) -> str:
        await reconciling.pay_out(line, actor=by)
        return f"{company.money(line.amount)} booked from {line.provider} to the bank, {line.reference}."

    _settle(reference, provider, Direction.OUT, pay_out)


@reconcile_cli.command("deposit")
def reconcile_deposit(reference: Ref, by: By = ACTOR) -> None:
    """Book cash of the office that was brought to the bank."""

    async def deposit(line: StatementLine, company: Company) -> str:
        await reconciling.deposit(line, actor=by)
        return f"{company.money(line.amount)} booked from the office's cash to the bank, {line.reference}."

    _settle(reference, BANK, Direction.IN, deposit)


@reconcile_cli.command("back")
def reconcile_back(
    reference: Ref,
    payment: Annotated[str, typer.Option(help="the reference of the payment that was given back")],
    provider: Provider = None,
    by: By = ACTOR,
) -> None:
    """Book money that went back to the customer who had paid it."""

    async def give_back(line: StatementLine, company: Company) -> str:
        paid = await find_payment(line.provider, normal_reference(payment))
        if paid is None:
            fail(f"There is no payment {payment} of {line.provider}.")
        await reconciling.give_back(line, paid, actor=by)
        return f"{company.money(line.amount)} of {paid.reference} booked as given back, {line.reference}."

    _settle(reference, provider, Direction.OUT, give_back)


@reconcile_cli.command("never")
def reconcile_never(
    payment: Annotated[str, typer.Argument(help="the reference of the payment, in any spelling")],
    why: Annotated[str, typer.Option(help="what the provider says of it")],
    provider: Annotated[str, typer.Option(help="who was said to have the money, like daraja")],
    by: By = ACTOR,
) -> None:
    """Take a payment out of the books that is on no statement: the money never came."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            paid = await find_payment(provider, normal_reference(payment))
            if paid is None:
                fail(f"There is no payment {payment} of {provider}.")
            try:
                async with database.work():
                    await reconciling.never_came(paid, why, actor=by)
            except NotSettled as error:
                fail(f"Nothing was booked. {error}")
            typer.echo(f"{paid.reference}, {company.money(paid.amount)}, is out of the books: {why}")

    perform(work())


@reconcile_cli.command("leave")
def reconcile_leave(
    reference: Ref,
    why: Annotated[str, typer.Option(help="why it is no business of these books")],
    provider: Provider = None,
    by: By = ACTOR,
) -> None:
    """Leave a line of a statement out of the books: rent, or money of another business."""

    async def leave(line: StatementLine, company: Company) -> str:
        await reconciling.leave_out(line, why, actor=by)
        return f"{line.reference}, {company.money(line.amount)}, is left out: {why}"

    _settle(reference, provider, None, leave)


def _settle(
    reference: str,
    provider: str | None,
    direction: Direction | None,
    settle: Callable[[StatementLine, Company], Awaitable[str]],
) -> None:
    """Settle the one line that is meant, and say what was done after the commit."""

    async def work() -> None:
        async with open_database(load_config()) as (database, company):
            try:
                async with database.work():
                    said = await settle(await _line(reference, provider, direction), company)
            except NotSettled as error:
                fail(f"Nothing was booked. {error}")
        typer.echo(said)

    perform(work())


async def _line(reference: str, provider: str | None, direction: Direction | None) -> StatementLine:
    found = await reconciling.find_lines(normal_reference(reference), provider or "")
    fitting = [line for line in found if direction in (None, line.direction)] or found
    unsettled = [line for line in fitting if not line.settled] or fitting
    if not found:
        fail(f"No statement has {reference}{f' of {provider}' if provider else ''}.")
    if len(unsettled) > 1:
        fail(f"{reference} is on the statements of {', '.join(line.provider for line in unsettled)}: say --provider.")
    return unsettled[0]


def _picture(fit: Reconciliation, company: Company) -> list[str]:
    name = fit.provider
    lines = [
        f"{name}: {company.money(fit.held)} by the books.",
        f"  Matched: {_count(fit.matched, fit.matched_sum, company)}",
    ]
    lines += [
        f"    {_when(row['at'], company)} {row['reference']}: {company.number(int(row['amount']))} on the statement,"
        f" {company.number(int(row['booked']))} in the books\n"
        f"      mwanga payments amount {row['reference']} AMOUNT --provider {name} --by NAME --reason WORDS"
        for row in fit.different
    ]
    for row in fit.settled:
        what = {"left": "left out", "back": "given back"}.get(row["settled"], row["settled"])
        lines.append(f"  {what.capitalize()}: {_count(int(row['count']), int(row['sum']), company)}")
    taken = f"mwanga reconcile take {{reference}} --provider {name}"
    lines += _bucket("Money without sale", [_line_row(one) for one in fit.without_sale], taken, company)
    lines += _bucket("Money that waits", fit.unapplied, "mwanga payments assign {reference} ACCOUNT --by NAME", company)
    taken_back = "mwanga sale void {sale} --by NAME --reason WORDS"
    never = f"mwanga reconcile never {{reference}} --provider {name} --why WORDS"
    lines += _bucket("Sale without money", fit.without_money, taken_back, company, otherwise=never)
    paid_out = f"mwanga reconcile leave {{reference}} --provider {name} --why WORDS"
    if name != BANK:
        paid_out = f"mwanga reconcile payout {{reference}} --provider {name}"
    lines += _bucket(
        "Money that went, and nobody said what for", [_line_row(one) for one in fit.out], paid_out, company
    )
    return list(map(without_controls, lines))


def _line_row(line: StatementLine) -> dict[str, Any]:
    return {
        "at": line.at,
        "reference": line.reference,
        "amount": line.amount,
        "payer_name": line.payer,
        "account_text": line.account_text,
    }


def _bucket(
    title: str, rows: Sequence[dict[str, Any]], command: str, company: Company, *, otherwise: str = ""
) -> list[str]:
    """A sort of difference: how many with their sum, then each, with what mends it; `otherwise` what has no sale."""
    if not rows:
        return []
    lines = [f"  {title}: {_count(len(rows), sum(int(row['amount']) for row in rows), company)}"]
    for row in rows[:SHOWN]:
        payer = " ".join(filter(None, (row.get("payer_phone"), row.get("payer_name"))))
        facts = [f"{_when(row['at'], company)} {row['reference']}: {company.number(int(row['amount']))}"]
        facts += [f"from {payer}"] if payer else []
        facts += [f"for {row['account_text']}"] if row["account_text"] else []
        facts += [f"({row['why']})"] if row.get("why") else []
        facts += [f"sale {row['sale']}"] if row.get("sale") else []
        lines.append(f"    {' '.join(facts)}")
        mends = otherwise if otherwise and not row["sale"] else command
        lines.append(f"      {mends.format_map(row)}")
    if len(rows) > SHOWN:
        lines.append(f"    and {len(rows) - SHOWN} more")
    return lines


def _count(count: int, total: int, company: Company) -> str:
    return f"{count:,}, {company.money(total)}"


def _when(at: datetime, company: Company) -> str:
    return f"{at.astimezone(company.zone):%Y-%m-%d %H:%M}"
