"""Gateways: what one is, what can go wrong while sending, and one file for each kind."""

from bot.gateways.base import BaseGateway, Gateway, GatewaySettings, WebAddress
from bot.gateways.wire import BadCallback, BadSignature, Callback, Fields

__all__ = [
    "BadCallback",
    "BadSignature",
    "BaseGateway",
    "Callback",
    "Fields",
    "Gateway",
    "GatewaySettings",
    "WebAddress",
]
