"""What /metrics shows. One registry for each application, so that two in one process do not share counts."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.queue import Size


class Metrics:
    """The counters that the machinery adds to as things happen."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.messages = Counter(
            "mwanga_messages",
            "Messages, each counted once for each state it reaches",
            ["direction", "gateway", "state"],
            registry=self.registry,
        )
        self.send_errors = Counter(
            "mwanga_send_errors",
            "Requests that failed, by error",
            ["gateway", "error"],
            registry=self.registry,
        )
        self.talks = Counter(
            "mwanga_talk_outcomes", "Talks that came to an end", ["talk", "outcome"], registry=self.registry
        )
        self.sales = Counter("mwanga_sales", "Sales committed", registry=self.registry)
        self.refused = Counter(
            "mwanga_callbacks_refused", "Callbacks turned away", ["gateway", "reason"], registry=self.registry
        )
        self.unknown_receipts = Counter(
            "mwanga_receipts_unknown",
            "Delivery reports of messages that are not known, or not yet",
            ["gateway"],
            registry=self.registry,
        )
        self.handling = Histogram(
            "mwanga_handling_seconds", "From the callback to the commit", ["channel"], registry=self.registry
        )
        self.gateways = Gauge(
            "mwanga_gateway_state",
            "1 for the state that a gateway is in: well, quiet, down or paused",
            ["gateway", "state"],
            registry=self.registry,
        )
        self.queued = Gauge(
            "mwanga_outbox_messages",
            "Messages to be sent, by state",
            ["gateway", "state"],
            registry=self.registry,
        )
        self.oldest = Gauge(
            "mwanga_outbox_oldest_seconds",
            "Age of the oldest of them",
            ["gateway", "state"],
            registry=self.registry,
        )

    def set_gateways(self, states: Iterable[tuple[str, str]]) -> None:
        """Set which state each gateway is in, at a scrape."""
        self.gateways.clear()
        for gateway, state in states:
            self.gateways.labels(gateway, state).set(1)

    def set_queues(self, sizes: Iterable[Size], now: int) -> None:
        """Set the gauges, at a scrape. `now` is in milliseconds."""
        self.queued.clear()  # a queue that is empty now has no size
        self.oldest.clear()
        for size in sizes:
            self.queued.labels(size.gateway, size.state).set(size.messages)
            self.oldest.labels(size.gateway, size.state).set((now - size.oldest) / 1000)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
