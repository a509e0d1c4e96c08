"""What an operator can watch: the names and meanings of every figure at ``/metrics``."""

from collections import defaultdict
from collections.abc import Iterable

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

FAST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class Tally(Collector):
    """A counter with one label, for what every request counts: a lock for each count would cost more than the count.

    Only the event loop's thread may count.
    """

    def __init__(self, name: str, meaning: str, label: str) -> None:
        self._name, self._meaning, self._label = name, meaning, label
        self._counts: defaultdict[str | int, int] = defaultdict(int)
        REGISTRY.register(self)

    def count(self, value: str | int) -> None:
        """Count one with this value of the label."""
        self._counts[value] += 1

    def collect(self) -> Iterable[CounterMetricFamily]:
        """What prometheus-client asks for."""
        family = CounterMetricFamily(self._name, self._meaning, labels=[self._label])
        for value, count in self._counts.items():
            family.add_metric([str(value)], count)
        yield family


holds = Tally("jari_holds", "Holds asked for, by outcome: held, or the code of the refusal", "outcome")
hold_seconds = Histogram(
    "jari_hold_seconds", "From the request for a hold to its durable answer", buckets=FAST_SECONDS
)
batch_commands = Histogram(
    "jari_till_batch_commands",
    "Commands in one transaction of a till",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
)
batch_seconds = Histogram(
    "jari_till_batch_seconds", "Time that one transaction of a till took", buckets=FAST_SECONDS
)
connections = Gauge("jari_connections", "Connections open now")
viewers = Gauge("jari_viewers", "Streams open now")
stalled_viewers = Gauge("jari_stalled_viewers", "Streams whose client is not reading at the moment")
fanout_seconds = Histogram(
    "jari_fanout_seconds", "From a commit to its last viewer having been sent it", buckets=FAST_SECONDS
)
deliveries = Counter("jari_deliveries", "Events sent to viewers")
replicas = Gauge("jari_replicas", "Schedules whose seats are in memory")
plans = Gauge("jari_plans", "Venues whose plans are in memory")
redis_away = Gauge("jari_redis_away", "1 while Redis counts as away, and nobody waits for it")
redis_failures = Counter("jari_redis_failures", "Commands and reads that Redis did not answer")
unpersisted_commits = Gauge("jari_unpersisted_commits", "Commits in Redis that PostgreSQL does not have yet")
unpersisted_seconds = Gauge(
    "jari_unpersisted_seconds", "For how long the oldest of these has waited; a loss of Redis loses no more"
)
sheets_begun = Counter(
    "jari_sheets_begun",
    "How often a schedule's seats were put into Redis: as before, or anew because versions were lost there",
    ["how"],
)
dead_versions = Gauge(
    "jari_dead_versions",
    "Old versions of schedules' rows that PostgreSQL keeps for a snapshot that stays open",
)
poll_seconds = Histogram(
    "jari_poll_seconds", "Time that one look at the change log took", buckets=FAST_SECONDS
)
publication_seconds = Histogram(
    "jari_publication_seconds", "From a commit to its being in the status stream", buckets=FAST_SECONDS
)
head_lag_commits = Gauge(
    "jari_head_lag_commits", "Commits that the status stream lacked at the last look, of the worst schedule"
)
stream_rebuilds = Counter("jari_stream_rebuilds", "Schedules that were written into the status stream anew")
stream_entries = Counter("jari_stream_entries", "Commits read from the status stream")
workers_answering = Gauge(  # belongs to an answer, not to a process: it is added to each answer
    "jari_workers_answering", "Workers whose figures are in this answer", registry=None
)
worker_starts = Counter("jari_worker_starts", "How often a worker with this number was begun")
loop_lag_seconds = Gauge("jari_loop_lag_seconds", "How much later than asked the event loop last woke up")
expired_seats = Counter("jari_expired_seats", "Seats that the sweeper freed")
requests = Tally("jari_requests", "Requests answered, by status", "status")
payments = Counter(
    "jari_payments",
    "What is known of payments when their gateway was asked: Charged, NotCharged, NothingYet, NoAnswer",
    ["answer"],
)
unknown_gateways = Counter(
    "jari_unknown_gateways", "Payments not looked after, for their gateway is not set up here", ["gateway"]
)
refunds = Counter("jari_refunds", "Refunds tried, by outcome: done, postponed", ["outcome"])
webhooks = Counter(
    "jari_webhooks", "Deliveries to webhooks, by outcome: delivered, postponed, dead", ["outcome"]
)
relayed_events = Counter("jari_relayed_events", "Events that were acknowledged outside", ["relay"])
relay_failures = Counter("jari_relay_failures", "Pages of events that were not acknowledged", ["relay"])
relay_lag = Gauge(
    "jari_relay_lag_commits",
    "Commits that a relay has yet to pass on, when they were last counted",
    ["relay"],
)
seat_faults = Gauge(
    "jari_seat_faults",
    "Seats that the last audit found in two hands: allocation_without_seat, place_sold_twice, ticket_without_seat",
    ["kind"],
)
gateway_seconds = Histogram(
    "jari_gateway_seconds",
    "Time until the gateway had said what became of a payment",
    buckets=(0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
