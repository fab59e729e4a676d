"""Which gateway carries a message: decided when it is enqueued, and again when it has waited too long."""

from collections.abc import Callable, Collection, Sequence

from pydantic import BaseModel, ConfigDict, Field

from bot.routing.health import Health
from bot.routing.networks import Networks, fits
from bot.routing.watch import Watch
from models.messages import PREFIX, MessageKind
from models.messages.phones import phone_id

PHONES = "phones"  # in a route: all linked phones
NOWHERE = "none"  # the gateway of a message that no gateway may carry as things are
NEVER = "!"  # before the name of a gateway that a message shall not go by, among those that it has left
# Whom to ask, the best first. One that asks us to slow down will carry; one that is down may never.
RANK = {state: place for place, state in enumerate((Health.WELL, Health.QUIET, Health.PAUSED, Health.DOWN))}


def is_phones(name: str) -> bool:
    """Whether a name in a route or a rule stands for a gateway phone, or for all of them."""
    return name == PHONES or phone_id(name) > 0


def route(wanted: Sequence[str], gateways: Sequence[str], *, simulated: bool) -> list[str]:
    """The order of all that is configured: as the operator wants it, else as it is, phones last. The simulator
    carries what nothing else does, in the demo world only."""
    real = [name for name in gateways if name != "simulator"]
    usual = [*real, PHONES] if real or not simulated else ["simulator", PHONES]
    return [name for name in wanted if name in gateways or is_phones(name)] or usual


class Rule(BaseModel):
    """One line of the operator's: a message for which all that is given holds goes by these gateways, in order."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    network: str = Field("", pattern="^([0-9]{5,6})?$")
    prefix: str = Field("", pattern=r"^(\+[0-9]+)?$")
    kind: MessageKind | None = Field(None, alias="class")
    gateways: tuple[str, ...] = Field(min_length=1)

    def holds(self, phone: str, kind: MessageKind, network: str) -> bool:
        if self.network and self.network != network:
            return False
        return phone.startswith(self.prefix) and self.kind in (None, kind)


class Router:
    """Chooses gateways, by the operator's order and rules, by who can send, and by how each of them is."""

    def __init__(
        self,
        order: Sequence[str],  # the operator's; `phones` stands for all linked phones
        rules: Sequence[Rule] = (),
        *,
        able: Collection[str] | None = None,  # those that can send, also beside the order: a reply may leave by any
        watch: Watch | None = None,
        networks: Networks | None = None,
        linked: Callable[[], Sequence[str]] = list,  # the phones that can send
    ) -> None:
        if not order:
            raise ValueError("no gateway can send")
        self._order, self._rules = order, rules
        self.linked = linked
        self._able = set(order if able is None else able) - {PHONES}
        self.networks = networks or Networks()
        self.watch = watch or Watch()

    @property
    def order(self) -> Sequence[str]:
        """The gateways in the operator's order."""
        return self._order

    def reorder(self, order: Sequence[str]) -> None:
        """From now on gateways carry messages in this order; what has one already stays there."""
        self._order = order

    def reply_gateway(self, came_in_by: str, phone: str = "", kind: MessageKind = MessageKind.REPLY) -> str:
        """A reply goes the way the message came, where that gateway can send and is well, or is to be tried."""
        if self._can_send(came_in_by):
            self.watch.note_heard(came_in_by)
            if self.watch.state(came_in_by) is Health.WELL or self.watch.may_try(came_in_by):
                return self._give(came_in_by, kind)
        return self.gateway_for(phone, kind)

    def gateway_for(self, phone: str, kind: MessageKind, tried: Collection[str] = ()) -> str:
        """The gateway for a message that has none: that of `next_gateway`, else the best of those that carry nothing.
        NOWHERE when there is none.

        Now and then a reply tries a gateway that was down, even if another one comes first. Without such a trial a
        gateway that brings no messages would stay down. If the trial fails, whoever waits for the reply asks again."""
        possible = self._possible(phone, kind, tried)
        fresh = [name for name in possible if name not in tried]
        trial = self._to_be_tried(fresh) if kind is MessageKind.REPLY else ""
        chosen = trial or self._next(possible, tried) or min(fresh, key=self._rank, default=NOWHERE)
        return self._give(chosen, kind)

    def likely_gateway(self, phone: str, kind: MessageKind) -> str:
        """The gateway that a message would go by now, for the office to say; nothing is noted. NOWHERE for none."""
        possible = self._possible(phone, kind, ())
        return self._next(possible, ()) or min(possible, key=self._rank, default=NOWHERE)

    def next_gateway(self, phone: str, kind: MessageKind, tried: Collection[str], *, quiet: bool = True) -> str:
        """The next gateway for a message that has left the `tried` ones; an empty text when there is none.

        The first that is well comes first. Then come one that is to be tried, and a quiet one if `quiet` allows it.
        Last comes one that the message has left and that is well again; a phone is never taken twice."""
        chosen = self._next(self._possible(phone, kind, tried), tried, quiet=quiet)
        return self._give(chosen, kind) if chosen else ""

    def carriers(self, kind: MessageKind) -> list[str]:
        """All that may carry such a message to somebody: by the rules, then in the operator's order."""
        names = []
        for rule in (rule for rule in self._rules if rule.kind in (None, kind)):
            names += self._of(rule, "", kind)
            if not rule.network and not rule.prefix:  # it holds for everybody
                return list(dict.fromkeys(names))
        return list(dict.fromkeys(names + self._of(None, "", kind)))

    def learn(self, phone: str, network: str) -> None:
        """A gateway named the network that this phone wrote from."""
        self.networks.learn(phone, network)

    def _give(self, gateway: str, kind: MessageKind) -> str:
        """Note that one more message goes by this gateway, and that it is a trial where it is one."""
        if self.watch.may_try(gateway):
            self.watch.note_trial(gateway)
        self.watch.note_given(gateway, kind)
        return gateway

    def _next(self, possible: Sequence[str], tried: Collection[str], *, quiet: bool = True) -> str:
        fresh = [name for name in possible if name not in tried]
        again = [name for name in possible if name in tried and not name.startswith(PREFIX)]
        return (
            self._first(fresh, Health.WELL)
            or self._to_be_tried(fresh)
            or (self._first(fresh, Health.QUIET) if quiet else "")
            or self._first(again, Health.WELL)
        )

    def _first(self, names: Sequence[str], state: Health) -> str:
        """The first in this state, in the operator's order; one that fails comes after those that do not."""
        return min((name for name in names if self.watch.state(name) is state), key=self._rank, default="")

    def _to_be_tried(self, names: Sequence[str]) -> str:
        return next((name for name in names if self.watch.may_try(name)), "")

    def _rank(self, name: str) -> tuple[int, bool]:
        return RANK[self.watch.state(name)], self.watch.is_failing(name)

    def _possible(self, phone: str, kind: MessageKind, tried: Collection[str]) -> list[str]:
        """All that may carry it, in the operator's order; also those that it has left, unless it is never to go by
        them."""
        network = self.networks.of(phone)
        rule = next((rule for rule in self._rules if rule.holds(phone, kind, network)), None)
        names = self._of(rule, network, kind)
        return [name for name in dict.fromkeys(names) if f"{NEVER}{name}" not in tried]

    def _of(self, rule: Rule | None, network: str, kind: MessageKind) -> list[str]:
        """Those of a rule, or of the operator's order where there is none, that can send."""
        names = [each for name in (rule.gateways if rule else self._order) for each in self._expanded(name, network)]
        if kind is MessageKind.BROADCAST and (rule is None or rule.kind is None):
            names = [name for name in names if not name.startswith(PREFIX)]  # operators block SIMs that send many
        return [name for name in names if self._can_send(name)]

    def _expanded(self, name: str, network: str) -> list[str]:
        if name != PHONES:
            return [name]
        return sorted(self.linked(), key=lambda each: (not self._fits(each, network), self.watch.waiting(each)))

    def _fits(self, name: str, network: str) -> bool:
        return bool(network) and any(fits(network, carrier) for carrier in self.watch.facts(name).carriers)

    def _can_send(self, name: str) -> bool:
        return name in self.linked() if name.startswith(PREFIX) else name in self._able
