"""Which gateway carries a message: asked when a message is promised, before its row is written."""

from models.messages import Class


class Router:
    """`order` names the gateways that can send, the preferred one first; at least one."""

    def __init__(self, order: list[str]) -> None:
        if not order:
            raise ValueError("no gateway can send")
        self._order = order

    def reply_gateway(self, came_in_by: str) -> str:
        """A reply goes the way the message came, where that gateway can send."""
        return came_in_by if came_in_by in self._order else self._order[0]

    def gateway_for(self, phone: str, kind: Class) -> str:
        """The gateway for a message that answers nothing."""
        return self._order[0]
