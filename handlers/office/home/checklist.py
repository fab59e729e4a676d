"""The first steps of a new office, each done as it happens: what stands at the head of the page in place of zeros."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.server import Server
from handlers.office.frame.words import N_, _
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


# Of each step its title and hint, where it is done on a page, and by which command; in their order.
STEPS = {
    "carries": (
        N_("Link a gateway phone"),
        N_("An Android phone with a SIM carries the messages; or an aggregator does, which mwanga.toml names."),
        "/settings/phones",
        "mwanga phone add",
    ),
    "prices": (
        N_("Set the prices"),
        N_("What a day or a kWh costs, and what is sold on a plan."),
        "/settings/prices",
        "mwanga import tariffs FILE",
    ),
    "devices": (
        N_("List the devices in stock"),
        N_("Each with its serial, and the key from its maker."),
        "/settings/prices",
        "mwanga import stock FILE",
    ),
    "agents": (
        N_("Add an agent"),
        N_("Agents sell by text. Each has a PIN and a limit of cash."),
        "/people/agents/new",
        "mwanga agent add",
    ),
    "customers": (
        N_("Register customers"),
        N_("From a file, at the counter, or by an agent's text REG."),
        "/register",
        "mwanga import customers FILE",
    ),
    "help": (
        N_("Give a number to call"),
        N_("It stands in the texts for people who need help."),
        "/settings/company",
        "MWANGA_HELP_PHONE",
    ),
    "backup": (
        N_("Make a backup"),
        N_("And have one made every night, on another machine."),
        "/settings/backup",
        "mwanga backup FILE",
    ),
    "sold": (
        N_("Sell for the first time"),
        N_("An agent texts BUY with the serial and the amount; the code comes back."),
        "/sell",
        "",
    ),
}


def list_steps(server: Server, seen: Seen) -> Sequence[Step]:
    """The steps of a new office; nothing for one that has long been at work, and for the demo world."""
    begun, sold = seen.beginnings, seen.beginnings.first_sale
    if server.simulated or (sold and seen.at - sold > NEW):
        return []
    done = {
        "carries": begun.phone or any(name != "simulator" for name in server.outbox.gateways),
        "prices": begun.prices,
        "devices": begun.devices,
        "agents": begun.agents,
        "customers": begun.customers,
        "help": bool(server.company.help_phone),
        "backup": seen.backup is not None or not server.database.embedded,
        "sold": sold is not None,
    }
    return [Step(done[name], _(title), _(hint), path, command) for name, (title, hint, path, command) in STEPS.items()]
