"""The business: tables, the questions asked of them, and the rules that keep money right."""

# The modules that have tables, for tortoise.
TABLES = [
    "models.alerts",
    "models.audit",
    "models.customers.registration",
    "models.devices.access_rate",
    "models.devices.connections",
    "models.devices.tables",
    "models.messages.phones",
    "models.messages.tables",
    "models.money.catalogue",
    "models.money.contracts",
    "models.money.hand_in",
    "models.money.ledger",
    "models.money.sales",
    "models.people.tables",
    "models.settings",
    "models.tickets.tickets",
]
