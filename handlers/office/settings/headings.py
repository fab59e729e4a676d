"""The headings under Settings, each with its page and with who may see it: the overview and the links are made of them.

What is secret or about the machine is in the configuration, and on no page.
"""

from dataclasses import dataclass

from handlers.office.frame.words import N_


@dataclass(frozen=True)
class Heading:
    """One entry of the overview."""

    path: str
    title: str
    about: str


HEADINGS = (
    Heading("/settings/company", N_("Company"), N_("Name, help number, languages, cash")),
    Heading("/settings/agents", N_("Agents"), N_("Commission and cash of new agents, taking back a sale")),
    Heading("/settings/hours", N_("Hours"), N_("When nobody is woken, and when agents are told of their day")),
    Heading("/settings/limits", N_("Limits and keeping"), N_("Replies in an hour, how long texts are kept")),
    Heading("/settings/phones", N_("Gateway phones"), N_("Link a phone, pause it, name its SIM cards")),
    Heading("/settings/gateways", N_("Gateways"), N_("In which order, and a test message")),
    Heading("/settings/prices", N_("Prices and goods"), N_("Tariffs, connections, models, appliances, stock")),
    Heading("/settings/receipts", N_("Receipt texts"), N_("How an operator's text becomes a payment")),
    Heading("/settings/texts", N_("Texts"), N_("Sentences in the office's own words")),
    Heading("/settings/backup", N_("Backup"), N_("Copy the database now; the last copy")),
    # Built in the rooms of other subjects.
    Heading("/settings/users", N_("People who sign in"), N_("Roles, invitations, sessions")),
    Heading("/settings/words", N_("Words"), N_("What people write for BUY, TOKEN and the others")),
    Heading("/settings/switches", N_("Switches"), N_("Messages and sales, off and on")),
)
