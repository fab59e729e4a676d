"""The tables of messages and phones: what came in, what goes out, open USSD sessions, gateways' states."""

from models.messages.phones import PREFIX, Phone, Sim, read_sims
from models.messages.tables import LIFE, GatewayState, MessageKind, State

__all__ = [
    "LIFE",
    "PREFIX",
    "GatewayState",
    "MessageKind",
    "Phone",
    "Sim",
    "State",
    "read_sims",
]
