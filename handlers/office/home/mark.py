"""A mark that changes whenever something has happened, on whatever server: pages that show an older one are told."""

import hashlib

from bot.server import Server
from models.sql import connection, execute

# What stands still while nothing happens, by one step in an index each.
MARKS = """SELECT (SELECT MAX(id) FROM inbox) AS inbox, (SELECT MAX(id) FROM inbox WHERE state = 'new') AS unread,
  (SELECT MAX(id) FROM outbox) AS outbox, (SELECT MAX(updated_at) FROM ussdsession) AS dialled,
  (SELECT MAX(id) FROM sale) AS sale, (SELECT MAX(id) FROM entry) AS entry, (SELECT MAX(id) FROM audit) AS audit,
  (SELECT MAX(id) FROM ticket_event) AS ticket, (SELECT MAX(opened_at) FROM suspense WHERE closed_at IS NULL) AS lost,
  (SELECT MAX(id) FROM receipt_text) AS receipt, (SELECT MAX(id) FROM phone) AS phone,
  (SELECT MAX(linked_at) FROM phone) AS linked,
  (SELECT MAX(id) FROM customer) AS customer, (SELECT MAX(id) FROM device) AS device,
  (SELECT MAX(id) FROM tariff) AS tariff, (SELECT MAX(id) FROM agent) AS agent"""
# A delivery report, or a gateway's answer, changes a row that stands already.
NEWEST = """SELECT MAX(sent_at) AS sent, MAX(delivered_at) AS delivered
  FROM (SELECT sent_at, delivered_at FROM outbox ORDER BY id DESC LIMIT 200) AS newest"""


async def read_mark(server: Server) -> str:
    """The mark of now."""
    watched = server.router.watch.gateways.items()
    gateways = [(name, state, facts.waiting, facts.battery, facts.airtime) for name, (facts, state) in watched]
    rows = [await execute(connection(), MARKS), await execute(connection(), NEWEST)]
    return hashlib.sha256(repr((rows, gateways)).encode()).hexdigest()[:16]
