"""Mobile money at a prompt: `mwanga payments`."""

import typer

from bot.cli.payments_waiting import payments_assign, payments_waiting

payments_cli = typer.Typer(no_args_is_help=True, help="Mobile money: which payments wait, and what they are for.")
payments_cli.command("waiting")(payments_waiting)
payments_cli.command("assign")(payments_assign)
