"""What /metrics shows. One registry for each application, so that two in one process do not share counts."""

from collections.abc import Iterable
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class Metrics:
    """The counters that the machinery adds to as things happen."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        counter, gauge = partial(Counter, registry=self.registry), partial(Gauge, registry=self.registry)
        self.messages = counter(
            "mwanga_messages",
            "Messages, each counted once for each state it reaches",
            ["direction", "gateway", "state"],
        )
        self.send_errors = counter("mwanga_send_errors", "Requests that failed, by error", ["gateway", "error"])
        self.talks = counter("mwanga_talk_outcomes", "Talks that came to an end", ["talk", "outcome"])
        self.sales = counter("mwanga_sales", "Sales committed")
        self.refused = counter("mwanga_callbacks_refused", "Callbacks turned away", ["gateway", "reason"])
        self.unknown_receipts = counter(
            "mwanga_receipts_unknown", "Delivery reports of messages that are not known, or not yet", ["gateway"]
        )
        self.notices = counter(
            "mwanga_payment_notices", "Callbacks of mobile money that were kept", ["provider", "kind", "outcome"]
        )
        self.requests = gauge("mwanga_payment_requests", "Pushes that have not ended, by state", ["provider", "state"])
        self.handling = Histogram(
            "mwanga_handling_seconds", "From the callback to the commit", ["channel"], registry=self.registry
        )
        self.gateways = gauge(
            "mwanga_gateway_state",
            "1 for the state that a gateway is in: well, quiet, down or paused",
            ["gateway", "state"],
        )
        self.queued = gauge("mwanga_outbox_messages", "Messages to be sent, by state", ["gateway", "state"])
        self.oldest = gauge("mwanga_outbox_oldest_seconds", "Age of the oldest of them", ["gateway", "state"])

    def set_requests(self, counts: Iterable[tuple[str, str, int]]) -> None:
        """Set how many pushes of each provider are in each state, at a scrape."""
        self.requests.clear()
        for provider, state, requests in counts:
            self.requests.labels(provider, state).set(requests)

    def set_gateways(self, states: Iterable[tuple[str, str]]) -> None:
        """Set which state each gateway is in, at a scrape."""
        self.gateways.clear()
        for gateway, state in states:
            self.gateways.labels(gateway, state).set(1)

    def set_queues(self, sizes: Iterable[tuple[str, str, int, int]], now: int) -> None:
        """Set the gauges, at a scrape: of each gateway and state how many messages and since when the oldest, in
        milliseconds as `now` is."""
        self.queued.clear()  # a queue that is empty now has no size
        self.oldest.clear()
        for gateway, state, messages, oldest in sizes:
            self.queued.labels(gateway, state).set(messages)
            self.oldest.labels(gateway, state).set((now - oldest) / 1000)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
