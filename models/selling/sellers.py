"""Who takes the cash of a sale: an agent, or somebody of the office at the counter."""

from dataclasses import dataclass

from models.people import Agent, OfficeUser


@dataclass(frozen=True)
class AtCounter:
    """Somebody of the office who sells at the counter. The cash is in the office's till at once: nobody holds it, so it
    has no limit, and nobody earns a commission."""

    by: OfficeUser


Seller = Agent | AtCounter


def agent_of(seller: Seller) -> Agent | None:
    """The agent who sells; None at the counter."""
    return None if isinstance(seller, AtCounter) else seller


def actor_of(seller: Seller) -> str:
    """Who did it, as entries and the audit name people."""
    return seller.by.name if isinstance(seller, AtCounter) else seller.phone
