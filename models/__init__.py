"""The business: tables, the questions asked of them, and the rules that keep money right."""

from tortoise import models as of_tortoise

# tortoise looks for comments on fields, written `#:`, in the source of each table's class, and parses its file anew for
# each: that was a third of the time from the command to listening. We write none. (A private name, as in
# bot/runtime/sqlite.py: where tortoise renames it, a start is as slow as it was.)
of_tortoise._get_comments = lambda cls: {}

# The modules that have tables, for tortoise.
TABLES = [
    "models.alerts",
    "models.audit",
    "models.customers.name_index",
    "models.customers.registration",
    "models.customers.tags",
    "models.devices.access_rate",
    "models.devices.connections",
    "models.devices.tables",
    "models.messages.beats",
    "models.messages.broadcasts",
    "models.messages.keywords",
    "models.messages.phones",
    "models.messages.tables",
    "models.messages.written",
    "models.selling.collection",
    "models.money.day_close",
    "models.money.disputes",
    "models.money.figures",
    "models.money.hand_in",
    "models.money.ledger",
    "models.money.notices",
    "models.money.payments",
    "models.money.providers",
    "models.money.receipt_texts",
    "models.money.receiving",
    "models.money.reservations",
    "models.money.statements",
    "models.money.till",
    "models.money.wallets",
    "models.money.write_offs",
    "models.office.forms",
    "models.office.uploads",
    "models.people.promotions",
    "models.people.tables",
    "models.selling.cash_requests",
    "models.selling.catalogue",
    "models.selling.contracts",
    "models.selling.proposals",
    "models.selling.requests",
    "models.selling.sales",
    "models.selling.swaps",
    "models.selling.voids",
    "models.settings",
    "models.tickets.tickets",
]
