"""Who gets a new ticket when nobody says whose work it is."""

from models.devices.tables import Device
from models.people.tables import Agent, Customer
from models.sql import connection, execute


async def agent_for(customer: Customer, device: Device | None) -> Agent | None:
    """The agent who last sold for this device, else the one of the mini-grid with the least to do."""
    if device:
        rows = await execute(
            connection(),
            "SELECT a.* FROM sale s JOIN agent a ON a.id = s.agent_id JOIN customer c ON c.id = $2 "
            "WHERE s.device_id = $1 AND a.mini_grid_id = c.mini_grid_id AND a.locked_at IS NULL "
            "ORDER BY s.created_at DESC LIMIT 1",
            [device.id, customer.id],
        )
        if rows:
            return Agent(**rows[0], _from_db=True)
    rows = await execute(
        connection(),
        "SELECT a.* FROM agent a JOIN customer c ON c.mini_grid_id = a.mini_grid_id "
        "WHERE c.id = $1 AND a.locked_at IS NULL ORDER BY "
        "(SELECT COUNT(*) FROM ticket t WHERE t.agent_id = a.id AND t.state IN ('open', 'asked')), a.id LIMIT 1",
        [customer.id],
    )
    return Agent(**rows[0], _from_db=True) if rows else None
