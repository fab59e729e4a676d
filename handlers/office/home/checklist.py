"""The first steps of a new office, each done as it happens: what stands at the head of the page in place of zeros."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.server import Server
from handlers.office.frame.words import _
from handlers.office.home.reading import Seen

NEW = timedelta(days=7)  # for so long after its first sale an office is shown what it still lacks


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and where it is done: on a page of the office, or by a command on the server."""

    done: bool
    title: str
    hint: str
    path: str
    command: str = ""


def list_steps(server: Server, seen: Seen) -> Sequence[Step]:
    """The steps of a new office; nothing for one that has long been at work, and for the demo world."""
    begun, sold = seen.beginnings, seen.beginnings.first_sale
    if server.simulated or (sold and seen.at - sold > NEW):
        return []
    carries = begun.phone or any(name != "simulator" for name in server.outbox.gateways)
    return [
        Step(
            carries,
            _("Link a gateway phone"),
            _("An Android phone with a SIM carries the messages; or an aggregator does, which mwanga.toml names."),
            "/settings/phones",
            "mwanga phone add",
        ),
        Step(
            begun.prices,
            _("Set the prices"),
            _("What a day or a kWh costs, and what is sold on a plan."),
            "/settings/prices",
            "mwanga import tariffs FILE",
        ),
        Step(
            begun.devices,
            _("List the devices in stock"),
            _("Each with its serial, and the key from its maker."),
            "/settings/prices",
            "mwanga import stock FILE",
        ),
        Step(
            begun.agents,
            _("Add an agent"),
            _("Agents sell by text. Each has a PIN and a limit of cash."),
            "/people/agents/new",
            "mwanga agent add",
        ),
        Step(
            begun.customers,
            _("Register customers"),
            _("From a file, at the counter, or by an agent's text REG."),
            "/register",
            "mwanga import customers FILE",
        ),
        Step(
            bool(server.company.help_phone),
            _("Give a number to call"),
            _("It stands in the texts for people who need help."),
            "/settings/company",
            "MWANGA_HELP_PHONE",
        ),
        Step(
            seen.backup is not None or not server.database.embedded,
            _("Make a backup"),
            _("And have one made every night, on another machine."),
            "/settings/backup",
            "mwanga backup FILE",
        ),
        Step(
            sold is not None,
            _("Sell for the first time"),
            _("An agent texts BUY with the serial and the amount; the code comes back."),
            "/sell",
        ),
    ]
