"""Every metric of the product: name, type, labels and meaning. Alerts and dashboards use only names from here.

Label values come from fixed sets (exchanges of the registry, kinds of wallets and errors, topics, routes), never
from what an exchange or a visitor sent. Balances and totals stand only in the customer's five.
"""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

REFRESH_LATENCY_BUCKETS_MS: Final = (5, 10, 25, 50, 100, 250, 500, 750, 1000, 1500, 2500, 5000, 10_000, 30_000)
"""1000 and 1500 are the objective and the alert."""

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class PortfolioMetrics:
    """The customer's five. The api alone exports them, for the portfolio ``main``."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refresh_latency = Histogram(
            "spark_portfolio_refresh_latency_ms",
            "Milliseconds from the first byte of a wallet's read to its being visible in the api.",
            ["exchange"],
            buckets=REFRESH_LATENCY_BUCKETS_MS,
            registry=registry,
        )
        self.exchange_errors = Counter(
            "spark_exchange_api_error",
            "Errors of an exchange's API, by kind: unavailable, rate_limited, refused, unreadable.",
            ["exchange", "kind"],
            registry=registry,
        )
        self.total_value = Gauge(
            "spark_portfolio_total_value_usd", "Value of all counted holdings.", ["exchange"], registry=registry
        )
        self.asset_count = Gauge(
            "spark_portfolio_asset_count", "Different assets held, zero rows left out.", ["exchange"], registry=registry
        )
        self.last_update = Gauge(
            "spark_portfolio_last_update_timestamp",
            "Unix seconds of the last read of the exchange's oldest wallet.",
            ["exchange"],
            registry=registry,
        )


class CollectorMetrics:
    """What the collectors measure of themselves; the base does it for every exchange."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.polls = Counter(
            "spark_collector_polls",
            "Reads of a wallet by outcome: ok, held (suspicious), unavailable, rate_limited, refused, unreadable.",
            ["exchange", "wallet", "outcome"],
            registry=registry,
        )
        self.poll_duration = Histogram(
            "spark_collector_poll_duration_seconds",
            "Duration of a wallet's read, all pages.",
            ["exchange", "wallet"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.requests = Counter(
            "spark_collector_requests",
            "HTTP requests by status class: 2xx, 3xx, 4xx, 5xx, or failed before an answer.",
            ["exchange", "status"],
            registry=registry,
        )
        self.last_success = Gauge(
            "spark_collector_last_success_timestamp_seconds",
            "Unix time of the last whole read of the wallet, the oldest over the accounts.",
            ["exchange", "wallet"],
            registry=registry,
        )
        self.used_weight = Gauge(
            "spark_collector_used_weight_ratio",
            "Used part of the exchange's request budget, as it says or as we count.",
            ["exchange", "budget"],
            registry=registry,
        )
        self.clock_skew = Gauge(
            "spark_collector_clock_skew_seconds",
            "The exchange's clock minus ours.",
            ["exchange"],
            registry=registry,
        )
        self.quotes = Counter("spark_collector_quotes", "Price quotes published.", ["exchange"], registry=registry)
        self.prices_skipped = Counter(
            "spark_collector_prices_skipped",
            "Prices of wanted symbols that were not quoted: zero, missing or unreadable.",
            ["exchange"],
            registry=registry,
        )
        self.wallet_gap = Gauge(
            "spark_collector_wallet_gap_ratio",
            "Difference between the exchange's own total of the account and ours, as a part of its.",
            ["exchange"],
            registry=registry,
        )
        self.repairs = Counter(
            "spark_collector_repairs",
            "Own facts published again because an older record of their key stood behind them.",
            ["exchange"],
            registry=registry,
        )
        self.topic_resets = Counter(
            "spark_collector_topic_resets",
            "Topics found emptied; what is ours in them was published again.",
            ["exchange", "topic"],
            registry=registry,
        )
        self.loop_restarts = Counter(
            "spark_collector_loop_restarts", "Times a loop raised and was begun again.", ["exchange"], registry=registry
        )


class AggregatorMetrics:
    """What the aggregator measures of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "spark_aggregator_events",
            "Events taken in, by topic and outcome: applied, duplicate, older, deleted, refused.",
            ["topic", "outcome"],
            registry=registry,
        )
        self.states = Counter("spark_aggregator_states", "Portfolio states published.", registry=registry)
        self.publish_failures = Counter(
            "spark_aggregator_publish_failures", "Batches that were not acknowledged in time.", registry=registry
        )
        self.valuation_duration = Histogram(
            "spark_aggregator_valuation_duration_seconds",
            "Duration of one valuation of what had changed.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.repairs = Counter(
            "spark_aggregator_repairs",
            "Own records published again because an older one of their key, or a foreign one, stood behind them.",
            ["topic"],
            registry=registry,
        )
        self.topic_resets = Counter(
            "spark_aggregator_topic_resets",
            "Topics found emptied; values were kept, what is ours in them was published again.",
            ["topic"],
            registry=registry,
        )
        self.portfolios = Gauge("spark_aggregator_portfolios", "Portfolios held.", registry=registry)
        self.held_prices = Gauge(
            "spark_aggregator_held_prices", "Prices whose jump waits for a confirmation.", registry=registry
        )


BATCH_MAX: Final = 512
"""Observations that may wait for the next look at the metrics."""


class Batch:
    """Observations of one series, brought in many at a time: one by one, they cost as much as a request's guards."""

    def __init__(self, series: Histogram) -> None:
        self._series = series
        self._waiting: list[float] = []

    def observe(self, amount: float) -> None:
        """As the series does it, but later."""
        self._waiting.append(amount)
        if len(self._waiting) >= BATCH_MAX:
            self.bring_in()

    def bring_in(self) -> None:
        """Now."""
        waiting, self._waiting = self._waiting, []
        for amount in waiting:
            self._series.observe(amount)


class _Batches(Collector):
    """Brings batches in before the metrics are looked at; it has none of its own."""

    def __init__(self) -> None:
        self._batches: list[Batch] = []

    def batch(self, series: Histogram) -> Batch:
        batch = Batch(series)
        self._batches.append(batch)
        return batch

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        for batch in self._batches:
            batch.bring_in()
        return ()


class ApiMetrics:
    """What the api measures of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._batches = _Batches()
        registry.register(self._batches)  # The first to be asked.
        self.requests = Counter(
            "spark_api_requests", "HTTP requests by route and status.", ["route", "status"], registry=registry
        )
        self.request_duration = Histogram(
            "spark_api_request_duration_seconds",
            "Duration of a request, streams left out.",
            ["route"],
            buckets=_SECONDS,
            registry=registry,
        )
        self.streams = Gauge("spark_api_streams", "Open live streams.", registry=registry)
        self.stream_events = Counter("spark_api_stream_events", "Events sent on live streams.", registry=registry)
        self.streams_dropped = Counter(
            "spark_api_streams_dropped", "Streams closed because their reader did not read.", registry=registry
        )
        self.refused = Counter(
            "spark_api_refused",
            "Requests refused by a guard: host, origin, token, rate, size, parameter.",
            ["guard"],
            registry=registry,
        )

    def duration_of(self, route: str) -> Batch:
        """Where the durations of a route's requests go. Asked for once per route."""
        return self._batches.batch(self.request_duration.labels(route))


class BusMetrics:
    """What the bus measures of itself."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.info = Gauge(
            "spark_bus_info",
            "1, with the Kafka and the prefix of the topics that a process works on.",
            ["servers", "prefix"],
            registry=registry,
        )
        self.published = Counter("spark_bus_published", "Facts acknowledged.", ["topic"], registry=registry)
        self.refused_records = Counter(
            "spark_bus_refused_records", "Facts that the bus will never take as they are.", ["topic"], registry=registry
        )
        self.publish_duration = Histogram(
            "spark_bus_publish_duration_seconds",
            "Duration of one batch until it was acknowledged.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.delivered = Counter("spark_bus_delivered", "Facts given to followers.", ["topic"], registry=registry)
        self.conflated = Counter(
            "spark_bus_conflated",
            "Records a slow follower was spared, newer ones of their key given.",
            registry=registry,
        )
        self.commands_dropped = Counter(
            "spark_bus_commands_dropped", "Commands that a slow follower lost, the oldest first.", registry=registry
        )
        self.dead_letters = Counter(
            "spark_bus_dead_letters", "Bad records by topic and reason.", ["topic", "reason"], registry=registry
        )
        self.reader_state = Gauge(
            "spark_bus_reader_state",
            "1 for the state a reader is in: unstarted, loading, live, degraded, failed.",
            ["reader", "state"],
            registry=registry,
        )
        self.reader_lag = Gauge(
            "spark_bus_reader_lag_records",
            "Offsets between where a reader stands and the end of what it reads.",
            ["reader"],
            registry=registry,
        )
        self.topic_resets = Counter(
            "spark_bus_topic_resets",
            "Topics that were found emptied: values are kept, versions forgotten.",
            ["reader", "topic"],
            registry=registry,
        )
        self.out_of_range = Counter(
            "spark_bus_out_of_range", "Times that nothing lay where a reader stood.", ["reader"], registry=registry
        )
        self.sessions_lost = Counter(
            "spark_bus_sessions_lost",
            "Connections of a reader that broke or stood still.",
            ["reader"],
            registry=registry,
        )
        self.topics_made = Counter(
            "spark_bus_topics_made", "Topics that were missing and were made.", registry=registry
        )
        self.topics_wrong = Gauge(
            "spark_bus_topics_wrong",
            "Topics whose settings were altered since they were verified.",
            registry=registry,
        )
        self.storage_failures = Counter(
            "spark_bus_storage_failures", "Writes of the state file that failed.", registry=registry
        )


class ProcessMetrics:
    """What every process says of its own pulse."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.info = Gauge("spark_process_info", "1, with the version.", ["version", "role"], registry=registry)
        self.loop_lag = Gauge(
            "spark_process_loop_lag_seconds", "How late the event loop woke, at worst in 30 s.", registry=registry
        )
