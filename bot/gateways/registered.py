"""The kinds of gateways that have settings of their own, in the order in which messages go by them when no route says
otherwise."""

from bot.gateways import BaseGateway
from bot.gateways.africastalking import AfricasTalking
from bot.gateways.kannel import Kannel

KINDS: tuple[type[BaseGateway], ...] = (
    AfricasTalking,
    Kannel,
)
