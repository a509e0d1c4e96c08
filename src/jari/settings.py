"""Every setting and every limit, in one frozen object that is read from the environment once.

``Settings.from_environment`` takes ``JARI_<NAME>`` for each field; the command line overrides. Units stand
last in the names. The object is made of slices, a class for each noun. Whoever needs some of the settings takes the
slice that has them, and sees no others. Settings that several slices need are a slice that these inherit.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import msgspec

Positive = Annotated[int, msgspec.Meta(ge=1)]


class BadSetting(Exception):
    """A setting that cannot be used; the message names the variable and the remedy."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """How to reach one payment gateway."""

    name: str
    url: str
    secret_key: str = dataclasses.field(repr=False)
    client_key: str
    script_url: str = ""
    sources: str = ""
    test_code: str = ""
    timeout_seconds: Positive = 30
    connections: Positive = 100


@dataclass(frozen=True)
class RuleSettings:
    """The rules of the sale."""

    hold_seconds: int = 300
    max_seats_per_buyer: int = 4
    keep_seconds: int = 600  # a buyer keeps a seat so long at most without buying it, hold after hold …
    cool_down_seconds: int = 300  # … and may take it again after leaving it alone for so long
    refund_until_hours: int = 24  # before the start; organisers may refund at any time


@dataclass(frozen=True)
class CrowdSettings:
    """How many connections one process serves at a time; so many may wait for one answer."""

    max_connections: int = 20_000


@dataclass(frozen=True)
class PollSettings:
    """Looking for what other processes have done."""

    poll_ms: int = 1_000
    relaxed_poll_ms: int = 3_000  # the same while Redis tells of it
    poll_page_size: int = 500  # commits fetched at a time


@dataclass(frozen=True)
class ChangeLogSettings:
    """The change log."""

    change_log_size: int = 20_000  # commits kept for each schedule; older positions start over
    change_log_trim_seconds: int = 60
    outbox_size: int = 200_000  # commits kept for each schedule where a relay lags behind
    relay_patience_hours: int = 7 * 24  # then a relay that has not run counts as gone: nothing is kept for it


@dataclass(frozen=True)
class IdleSettings:
    """Letting go of what nobody asks for."""

    idle_seconds: int = 600  # then plans, lists, papers and pictures that nobody asks for are let go


@dataclass(frozen=True)
class DutySettings:
    """What one process does for all."""

    duty_page_size: int = 50  # payments, refunds or deliveries looked after at a time
    duty_ms: int = 1_000
    lease_seconds: int = 15  # so long after a crash another process takes over


@dataclass(frozen=True)
class EndSettings:
    """Ending a process."""

    drain_seconds: int = 5  # for a proxy to notice that this process ends, and to send requests elsewhere
    shutdown_seconds: int = 4  # to answer the requests under way; the others are then told to try again
    shutdown_margin_seconds: int = 3  # after that, to close what is open; then the process ends by force


@dataclass(frozen=True)
class RequestSettings:
    """Requests and their answers."""

    request_seconds: int = 10  # from a whole request until its answer begins; after that it is a 503
    payment_request_seconds: int = 120  # the same where a gateway is asked: over three of its time limits
    max_body_bytes: int = 64 * 1024


@dataclass(frozen=True)
class TillSettings(EndSettings):
    """The tills."""

    till_batch_size: int = 128
    till_queue_size: int = 20_000


@dataclass(frozen=True)
class HoldSettings(RuleSettings, CrowdSettings):
    """Holding seats."""

    expiry_margin_ms: int = 500  # so near to a hold's end the store decides, not the replica


@dataclass(frozen=True)
class LiveSettings(PollSettings, ChangeLogSettings):
    """The replicas."""

    max_replicas: int = 100  # schedules kept in memory though nobody may be watching; 0.7 MB for 24,000 seats
    replica_idle_seconds: int = 120  # then a replica that nobody asks for or watches is let go
    max_replica_loads: int = 2  # at a time: tills must not wait for connections behind onlookers
    replica_queue_size: int = 200  # schedules that wait to be loaded


@dataclass(frozen=True)
class SweepSettings(RuleSettings, ChangeLogSettings):
    """Freeing and forgetting what has ended."""

    sweep_ms: int = 400
    sweep_page_size: int = 1_000
    idempotency_hours: int = 24


@dataclass(frozen=True)
class NumberSettings:
    """Numbers of reservations, payments and refunds."""

    number_block_size: int = 1_000


@dataclass(frozen=True)
class GatewayChoice:
    """Which payment gateways there are."""

    environment: str = "development"  # "production" is needed for a gateway's live keys
    gateway: str = "toss"  # by name, where new payments are made
    gateway_url: str = ""  # e.g. https://api.tosspayments.com; empty: nothing that costs money can be sold
    gateway_secret_key: str = dataclasses.field(default="", repr=False)
    gateway_client_key: str = ""
    gateway_script_url: str = ""  # what the checkout page loads, e.g. https://js.tosspayments.com/v2/standard
    gateway_sources: str = ""  # other sources of its for the checkout's CSP, e.g. https://*.tosspayments.com
    gateway_test_code: str = ""  # an error that the gateway is to act out, with test keys
    gateway_timeout_seconds: int = 30
    gateway_connections: int = 100
    # Gateways of the past, as JSON. Payments that were made there are settled and given back there:
    # [{"name": "toss", "url": …, "secret_key": …, "client_key": …}]
    former_gateways: str = dataclasses.field(default="", repr=False)

    @property
    def gateways(self) -> tuple[GatewaySettings, ...]:
        """Every gateway that is named; first the one for new payments, if there is one.

        Raises:
            BadSetting: ``former_gateways`` is not JSON of this form.
        """
        try:
            former = msgspec.json.decode(self.former_gateways or "[]", type=tuple[GatewaySettings, ...])
        except msgspec.DecodeError as error:
            raise BadSetting(f"JARI_FORMER_GATEWAYS does not fit: {error}: correct or unset it.") from None
        if not self.gateway_url:
            return former
        default = GatewaySettings(
            name=self.gateway,
            url=self.gateway_url,
            secret_key=self.gateway_secret_key,
            client_key=self.gateway_client_key,
            script_url=self.gateway_script_url,
            sources=self.gateway_sources,
            test_code=self.gateway_test_code,
            timeout_seconds=self.gateway_timeout_seconds,
            connections=self.gateway_connections,
        )
        return default, *former


@dataclass(frozen=True)
class PaymentSettings(RuleSettings, DutySettings):
    """Payments and refunds."""

    max_payment_tries: int = 20  # for each reservation
    max_payments_running: int = 2_000
    payment_patience_seconds: int = 120  # then another process takes a payment up; over three time limits
    late_payment_seconds: int = 600  # so late a payment may come if seats are free: as the gateway's session
    payment_retry_min_seconds: int = 5
    payment_retry_max_seconds: int = 60
    hint_interval_ms: int = 1_000  # between two looks at a payment because of the gateway's messages


@dataclass(frozen=True)
class WebhookSettings(PollSettings, ChangeLogSettings, DutySettings):
    """Webhooks: 10 tries by these delays take some 2.6 days."""

    max_deliveries_waiting: int = 100_000  # for each webhook; beyond that it is not told of what happens
    max_webhooks: int = 20
    webhook_timeout_seconds: int = 10
    webhook_tries: int = 10
    webhook_retry_min_seconds: int = 10
    webhook_retry_max_seconds: int = 24 * 3600
    dead_letter_days: int = 30


@dataclass(frozen=True)
class KafkaSettings(DutySettings):
    """Events to Kafka."""

    kafka: str = ""  # the brokers to begin with, e.g. kafka-1:9092,kafka-2:9092; empty: no events to Kafka
    kafka_topic: str = "jari.events"
    kafka_client_id: str = "jari"
    kafka_security: str = ""  # SSL, SASL_SSL or SASL_PLAINTEXT; empty: PLAINTEXT
    kafka_sasl_mechanism: str = ""  # PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512
    kafka_username: str = ""
    kafka_password: str = dataclasses.field(default="", repr=False)
    kafka_ca_file: str = ""  # of who signed the brokers' certificates; empty: who the system trusts
    kafka_certificate_file: str = ""  # ours, where brokers ask for one, with its key
    kafka_key_file: str = ""
    kafka_key_password: str = dataclasses.field(default="", repr=False)
    kafka_page_size: int = 500  # commits sent before the relay's position moves
    kafka_timeout_seconds: int = 30  # without any acknowledgement; then the page is begun again
    kafka_buffer_bytes: int = 32 * 1024 * 1024  # of events on their way
    kafka_max_message_bytes: int = 1_000_000  # of one event; the brokers' usual limit


@dataclass(frozen=True)
class AuditSettings:
    """Looking for what must never be."""

    audit_seconds: int = 300  # between two looks for seats in two hands


@dataclass(frozen=True)
class DocumentSettings(RequestSettings, IdleSettings):
    """Tickets on paper and as pictures."""

    time_zone: str = "Asia/Seoul"  # of what is printed
    document_queue_size: int = 100  # papers that wait, if request_seconds suffice to draw them; and pictures
    documents_waiting_per_user: int = 200  # papers that a user has asked for while one of theirs is drawn
    document_seconds: int = 10  # for a paper to wait for its turn, and so long again to be drawn
    document_cache_bytes: int = 32 * 1024 * 1024  # a paper has some 50 kB, a picture 6 kB


@dataclass(frozen=True)
class StreamSettings:
    """Viewers."""

    max_viewers: int = 15_000
    max_viewers_per_address: int = 1_000  # many buyers share their carrier's address
    max_schedules_watched: int = 1_000  # at a time, each with its replica, however few watch it
    tick_min_ms: int = 4
    tick_max_ms: int = 250
    tick_load: int = 4  # a tick lasts up to this many times as long as the last fan-out took …
    tick_ease_ms: int = 16  # … one of so many ms: as long; of 64: four times; twice at the least
    heartbeat_seconds: int = 15
    retry_min_ms: int = 1_000
    retry_max_ms: int = 5_000
    stall_seconds: int = 60  # a viewer that has not read for so long is cut off


@dataclass(frozen=True)
class AttemptSettings:
    """Counting attempts."""

    attempt_window_seconds: int = 900
    attempt_buckets_size: int = 100_000  # counted in memory, on SQLite: the longest unused is forgotten first
    attempts_counted_at_once: int = 4  # of the database's connections; less than there are
    attempt_queue_size: int = 1_000  # log-ins and sign-ups that wait to be counted
    refused_buckets_size: int = 100_000  # remembered, to be refused without counting until their windows end
    refusal_recheck_seconds: int = 10  # between looks whether a success in another process gave attempts back


@dataclass(frozen=True)
class PasswordSettings:
    """Hashing passwords."""

    password_threads: int = 2
    password_queue_size: int = 1_000


@dataclass(frozen=True)
class AccountSettings(AttemptSettings, PollSettings, CrowdSettings):
    """Users, their sessions and their devices."""

    session_hours: int = 24 * 7
    sessions_per_user: int = 20  # at a time; the oldest ends when there is one more
    session_cache_size: int = 100_000
    session_cache_seconds: int = 60
    log_in_attempts_per_account: int = 10  # from one address
    log_in_attempts_per_account_anywhere: int = 100  # from all devices that it was never logged in at before
    log_in_attempts_per_address: int = 100
    log_ins_per_address: int = 1_000  # successful ones, too: each costs a hash. Known devices: as many again
    log_ins_per_device: int = 20  # at one known device of an account, successful ones, too
    device_days: int = 365  # a device is known so long after a log-in
    accounts_per_device: int = 5  # that one device is known to at a time
    sign_ups_per_address: int = 50


@dataclass(frozen=True)
class CatalogueSettings(PollSettings, IdleSettings):
    """Schedules and plans."""

    page_size: int = 50
    schedule_pages_kept: int = 200  # of the list of schedules, each for a poll's time
    schedules_kept: int = 10_000  # each for a poll's time
    max_plans: int = 20  # with all that is encoded of them; up to 30 MB for 24,000 seats
    catalogue_queue_size: int = 200  # pages of the list that wait for a look-up; as many schedules, and plans
    max_plan_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True)
class ConnectionSettings(CrowdSettings):
    """Connections and the requests that come on them."""

    connection_backlog: int = 2_048
    spare_connections: int = 200  # beyond max_connections, for probes and for saying no; others are dropped
    max_request_head_bytes: int = 32 * 1024  # address and headers together; trailers, too
    max_request_headers: int = 100
    request_head_seconds: int = 15  # until address and headers have come whole
    request_body_seconds: int = 30  # from then until the body has come whole
    keep_alive_seconds: int = 75  # between two requests: longer than a proxy in front keeps connections open
    answer_seconds: int = 120  # for a client to read an answer; streams have stall_seconds
    linger_seconds: int = 2  # for a refused client to read why, before its connection is dropped
    tcp_keepalive_seconds: int = 60  # of silence; then the kernel asks whether the peer is still there
    tcp_user_timeout_seconds: int = 60  # a peer that has acknowledged nothing for so long is gone
    # The kernel would keep up to 4 MB for each viewer that does not read. With less we notice such a viewer sooner.
    send_buffer_bytes: int = 256 * 1024


@dataclass(frozen=True)
class DatabaseSettings:
    """The database."""

    database: str = "sqlite:///jari.db"
    database_connections: int = 10  # that `jari serve` opens in all, on PostgreSQL; its workers share them
    database_timeout_seconds: int = 10


@dataclass(frozen=True)
class RedisSettings:
    """Redis or Valkey, beside PostgreSQL."""

    redis: str = dataclasses.field(default="", repr=False)  # redis://… or redis+cluster://…; empty: none
    redis_timeout_ms: int = 500  # for a connection or an answer; after that it has failed
    redis_connections: int = 20  # of each process, for commands; of a cluster to each node
    redis_reads: int = 10  # of each process at a time that wait for news, each on a connection of its own …
    redis_block_ms: int = 1_000  # … and so long; a process that ends waits for them
    redis_failures: int = 3  # in a row: then Redis counts as away, nobody waits for it …
    redis_pause_ms: int = 1_000  # … and one in so long tries whether it is back
    redis_news_size: int = 1_000  # of what processes tell one another, kept for those that are slow to hear


@dataclass(frozen=True)
class ClaimSettings(CrowdSettings):
    """Requests that are being decided."""

    claim_seconds: int = 15  # so long after a crash its keys are refused; more than request_seconds


@dataclass(frozen=True)
class RedisHoldSettings:
    """Holds that are decided in Redis."""

    holds: str = "database"  # or "redis": decided there, and recorded in PostgreSQL a moment later
    sheet_lease_ms: int = 2_000  # who decides about a schedule keeps the others out for so long at most …
    sheet_wait_seconds: int = 5  # … who wait so long for it
    mend_tries: int = 3  # of a schedule's seats in Redis, if they are not what PostgreSQL says
    persist_ms: int = 50  # between two looks for what PostgreSQL does not have yet
    persist_page_size: int = 64  # commits recorded together
    take_over_ms: int = 1_000  # after that another process records what one that froze or died was to record
    max_unpersisted_commits: int = 2_000  # of a schedule; beyond that holds are refused …
    max_unpersisted_seconds: int = 10  # … as they are if the oldest has waited so long
    quiet_seconds: int = 30  # without a hold; then nothing of a schedule can be lost with Redis
    sheet_idle_seconds: int = 3_600  # then a schedule in which nobody holds leaves Redis
    keep_answers_seconds: int = 600  # in Redis, if PostgreSQL does not take them over sooner


@dataclass(frozen=True)
class StatusStreamSettings(PollSettings, RedisSettings):
    """The status stream in Redis."""

    status_stream_size: int = 10_000  # commits kept for each schedule, for those who come back
    status_stream_hours: int = 48  # a schedule in which nothing happens for so long leaves Redis
    status_stream_page_size: int = 500  # commits of a schedule that are read at a time
    status_publish_size: int = 2_000  # seats in one call, which Redis carries out as one step
    status_queue_size: int = 1_000  # commits of a schedule that wait for it; the change log has older ones
    status_rebuild_page_size: int = 1_000  # seats or commits written at a time; others are answered meanwhile
    status_rebuilds_at_once: int = 2  # they use the connections of the tills
    max_status_readers: int = 6  # on a cluster, which is read slot by slot; the other schedules are polled


@dataclass(frozen=True)
class WorkerSettings:
    """Workers, where there are several."""

    workers: int = 1  # processes at one address; more than one need PostgreSQL
    worker_start_seconds: int = 30  # in which a new worker must begin to answer
    worker_silence_seconds: int = 30  # one whose event loop has not turned for so long is killed and replaced
    worker_proof_seconds: int = 10  # one that dies sooner has failed; from the second failure on it pauses …
    worker_pause_min_ms: int = 200  # … each twice as long as the last …
    worker_pause_max_seconds: int = 30  # … up to this
    figures_seconds: int = 2  # for another worker to tell its figures; after that /metrics goes without them


@dataclass(frozen=True)
class ServerSettings(ConnectionSettings, EndSettings, WorkerSettings):
    """Where the server listens, and what stands before it."""

    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""  # e.g. https://tickets.example.com: makes cookies Secure and origins exact
    trusted_proxies: str = (
        ""  # we believe the X-Forwarded-* of these, e.g. 10.0.0.5,10.1.0.0/16; empty: nobody's
    )
    strict_transport_seconds: int = 365 * 24 * 3600  # HSTS, where public_url is https

    @property
    def drains(self) -> bool:
        """Whether there is a proxy in front, who must notice the end before it comes."""
        return bool(self.trusted_proxies)

    @property
    def end_seconds(self) -> int:
        """The longest time from the word to end until the process has ended."""
        return self.drain_seconds * self.drains + self.shutdown_seconds + self.shutdown_margin_seconds


@dataclass(frozen=True)
class Settings(
    TillSettings,
    HoldSettings,
    LiveSettings,
    StatusStreamSettings,
    SweepSettings,
    NumberSettings,
    GatewayChoice,
    PaymentSettings,
    WebhookSettings,
    KafkaSettings,
    AuditSettings,
    DocumentSettings,
    StreamSettings,
    PasswordSettings,
    AccountSettings,
    CatalogueSettings,
    DatabaseSettings,
    RedisSettings,
    ClaimSettings,
    RedisHoldSettings,
    ServerSettings,
):
    """What an operator may set. Numbers must be positive."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **overrides: Any) -> Self:
        """Read ``JARI_*``; an override that is not None wins.

        Raises:
            BadSetting: a value has the wrong form.
        """
        values: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            variable = f"JARI_{field.name.upper()}"
            if overrides.get(field.name) is not None:
                values[field.name] = overrides[field.name]
            elif variable in environment:
                values[field.name] = _read(variable, environment[variable], field.type)
        return cls(**values)

    def of_worker(self) -> Self:
        """The settings of one of the workers: each gets its share of what counts for all together."""
        return dataclasses.replace(
            self,
            database_connections=self.database_connections // self.workers,
            attempts_counted_at_once=max(1, self.attempts_counted_at_once // self.workers),
        )


def _read(variable: str, text: str, kind: object) -> str | int:
    if kind is not int:
        return text
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise BadSetting(f"{variable}={text!r} is not a positive whole number: correct or unset it.")
    return int(text)
