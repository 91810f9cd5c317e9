"""The topics on the broker: made where missing, verified, described, and set right when a person asks for it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition, errors
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from bus.interface import BusError, NotAuthorisedError
from bus.kafka_client import ask_for_all_topics, client_of, is_refusal, probe, reason_of
from bus.kafka_close import close
from bus.kafka_config import TopicProblem, topic_config, wrong_config, wrong_partitions
from bus.kafka_metadata import LogDirsRequest, TopicOnBroker, topics_on_broker
from bus.kafka_settings import KafkaSettings, client_options, consumer_options
from monitoring.logs import get_logger
from schemas.topics import TOPICS, Topic

ADMIN_SECONDS: Final = 10.0
"""Of one request of the administration: making seven topics takes a broker a second or two."""

SETTLE_SECONDS: Final = 3.0
"""After settings were set, until the broker shows them."""

_SOURCE_TOPIC: Final = 1
"""Where a setting comes from, as DescribeConfigs tells it: the topic itself (Kafka's ConfigSource)."""

_log = get_logger()


@dataclass(frozen=True, slots=True)
class TopicReport:
    """A topic on the broker. Offsets by partition: the first that is there, and the one that comes next."""

    topic: Topic
    name: str
    exists: bool
    partitions: int = 0
    offsets: tuple[tuple[int, int], ...] = ()
    size_bytes: int | None = None
    """On the disks of all replicas; None where the broker does not tell."""
    problems: tuple[TopicProblem, ...] = field(default=())


class TopicAdmin:
    """Makes, verifies and describes our topics. Started by :meth:`start`, ended by :meth:`close`."""

    def __init__(self, settings: KafkaSettings, *, client_id: str, replication: int = -1) -> None:
        """``replication``: copies of a new topic; -1 leaves it to the broker (``default.replication.factor``)."""
        self._settings = settings
        self._client_id = client_id
        self._replication = replication
        self._admin: AIOKafkaAdminClient | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Connect. NotAuthorisedError, or BusError with the reason."""
        try:
            server = await probe(self._settings, self._client_id)
            options = client_options(self._settings, self._client_id)
        except BusError as error:
            raise type(error)(f"Kafka is away: {error}") from error
        except OSError as error:  # TLS errors are among them.
            raise BusError(f"the TLS files of the Kafka settings cannot be used: {error}") from error
        options |= {"bootstrap_servers": [server], "request_timeout_ms": int(ADMIN_SECONDS * 1000)}
        admin = AIOKafkaAdminClient(**options)
        ask_for_all_topics(admin)
        try:
            await admin.start()
        except (errors.KafkaError, OSError) as error:
            await close(admin)
            raise BusError(f"Kafka is away: {reason_of(error)}") from error
        except BaseException:
            await close(admin)
            raise
        self._admin = admin

    async def close(self) -> None:
        """Disconnect; bounded, never raises."""
        if self._admin is not None:
            await close(self._admin)
            self._admin = None

    async def existing(self) -> dict[str, TopicOnBroker]:
        """Our topics that are there, by plain name."""
        names = {self._settings.topic(name): name for name in TOPICS}
        found = await self._ask(lambda admin: topics_on_broker(client_of(admin), list(names)))
        return {names[name]: topic for name, topic in found.items()}

    async def create_missing(self) -> list[str]:
        """Make the topics that are missing; their plain names. NotAuthorisedError names the permission."""
        there = await self.existing()
        missing = [topic for name, topic in TOPICS.items() if name not in there]
        if not missing:
            return []
        new = [self._new(topic) for topic in missing]
        response = await self._ask(lambda admin: admin.create_topics(new, timeout_ms=int(ADMIN_SECONDS * 1000)))
        made = []
        for name, code, message in ((answer[0], answer[1], answer[2]) for answer in response.topic_errors):
            error = errors.for_code(code)
            if error is errors.NoError:
                made.append(name.removeprefix(self._settings.topic_prefix))
            elif is_refusal(error()):
                raise NotAuthorisedError(
                    f"the topic {name!r} is not there and this process may not make it: run spark-portfolio topics "
                    "with an account that may, or permit Create on it (docs/security.md)"
                )
            elif error is not errors.TopicAlreadyExistsError:
                raise BusError(f"the topic {name!r} could not be made: {message or error.__name__}")
        return made

    def _new(self, topic: Topic) -> NewTopic:
        new = NewTopic(
            self._settings.topic(topic.name),
            num_partitions=topic.partitions,
            replication_factor=1,
            topic_configs=topic_config(topic),
        )
        new.replication_factor = self._replication  # Its constructor takes no -1, the protocol does.
        return new

    async def problems(self) -> list[TopicProblem]:
        """What is wrong with the topics that are there: partitions and settings. Empty where all is right."""
        there = await self.existing()
        found = []
        for name, topic in there.items():
            table = TOPICS[name]
            physical = self._settings.topic(name)
            if topic.partitions != table.partitions:
                found.append(wrong_partitions(physical, table, topic.partitions))
        configs = await self._configs([self._settings.topic(name) for name in there])
        for name in there:
            physical = self._settings.topic(name)
            is_now = configs.get(physical)
            if is_now is not None:
                found += wrong_config(physical, topic_config(TOPICS[name]), is_now)
        return found

    async def reconcile(self) -> list[TopicProblem]:
        """Set what can be set: the settings, not the number of partitions. What is wrong still is returned."""
        names = {self._settings.topic(name): TOPICS[name] for name in await self.existing()}
        if not await self._set_right(names):
            return await self.problems()
        with contextlib.suppress(TimeoutError):  # A broker takes a moment to show what it was told.
            async with asyncio.timeout(SETTLE_SECONDS):
                while any(wrong_config(*one) for one in await self._differences(names)):  # noqa: ASYNC110 - the broker tells only who asks
                    await asyncio.sleep(SETTLE_SECONDS / 50)
        return await self.problems()

    async def _differences(self, names: Mapping[str, Topic]) -> list[tuple[str, dict[str, str], dict[str, str]]]:
        configs = await self._configs(list(names))
        return [(name, topic_config(topic), configs[name]) for name, topic in names.items() if name in configs]

    async def _set_right(self, names: Mapping[str, Topic]) -> bool:
        """Whether anything had to be set."""
        resources = []
        for name, wanted, is_now in await self._differences(names):
            if wrong_config(name, wanted, is_now):
                # This request sets all settings of the topic at once: those of the operator are sent along.
                own = await self._own_config(name)
                resources.append(ConfigResource(ConfigResourceType.TOPIC, name, own | wanted))
        if resources:
            responses = await self._ask(lambda admin: admin.alter_configs(resources))
            for response in responses:
                for code, message, _, name in response.resources:
                    if (error := errors.for_code(code)) is not errors.NoError:
                        raise _alter_error(name, error, message)
        return bool(resources)

    async def describe(self) -> list[TopicReport]:
        """Every topic of the table, as it is on the broker."""
        there = await self.existing()
        wrong = await self.problems()
        offsets = await self._offsets(there)
        sizes = await self._sizes(there)
        reports = []
        for name, topic in TOPICS.items():
            physical = self._settings.topic(name)
            if name not in there:
                reports.append(TopicReport(topic, physical, exists=False))
                continue
            own = tuple(problem for problem in wrong if problem.topic == physical)
            reports.append(
                TopicReport(
                    topic,
                    physical,
                    exists=True,
                    partitions=there[name].partitions,
                    offsets=offsets.get(physical, ()),
                    size_bytes=sizes.get(physical),
                    problems=own,
                )
            )
        return reports

    async def _ask(self, request: Callable[[AIOKafkaAdminClient], Awaitable[Any]]) -> Any:
        """Ask the broker within ADMIN_SECONDS; errors become ours."""
        if self._admin is None:
            raise BusError("the topic administration is not started")
        try:
            async with asyncio.timeout(ADMIN_SECONDS):
                return await request(self._admin)
        except (errors.KafkaError, OSError, TimeoutError) as error:
            if is_refusal(error):
                raise NotAuthorisedError(f"the broker refuses to administer topics ({type(error).__name__})") from error
            raise BusError(f"the broker did not answer about topics: {reason_of(error)}") from error

    async def _configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        """All settings by topic. A topic whose settings we may not see is left out, and said once."""
        if not names:
            return {}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        configs = {}
        for response in await self._ask(lambda admin: admin.describe_configs(resources)):
            for code, _, _, name, entries in response.resources:
                error = errors.for_code(code)
                if error is errors.NoError:
                    configs[name] = {entry[0]: entry[1] or "" for entry in entries}
                elif is_refusal(error()):
                    _log.warning(
                        "a topic's settings cannot be verified: permit DescribeConfigs on it (docs/security.md)",
                        topic=name,
                    )
                else:  # Also that it is unknown: then it is just being made, and was not seen to be right.
                    raise BusError(f"the settings of {name!r} could not be read: {error.__name__}")
        return configs

    async def _own_config(self, name: str) -> dict[str, str]:
        """The settings that were set on the topic itself, not those it has from the broker."""
        resource = ConfigResource(ConfigResourceType.TOPIC, name)
        own = {}
        for response in await self._ask(lambda admin: admin.describe_configs([resource])):
            for entry in response.resources[0][4]:
                if entry[3] == _SOURCE_TOPIC:
                    own[entry[0]] = entry[1] or ""
        return own

    async def _offsets(self, there: Mapping[str, TopicOnBroker]) -> dict[str, tuple[tuple[int, int], ...]]:
        consumer = AIOKafkaConsumer(**consumer_options(self._settings, self._client_id))
        ask_for_all_topics(consumer)
        places = [
            TopicPartition(self._settings.topic(name), partition)
            for name, topic in there.items()
            for partition in range(topic.partitions)
        ]
        try:
            async with asyncio.timeout(ADMIN_SECONDS):
                await consumer.start()
                begins = await consumer.beginning_offsets(places)
                ends = await consumer.end_offsets(places)
        except (errors.KafkaError, OSError, TimeoutError) as error:
            raise BusError(f"the offsets could not be read: {reason_of(error)}") from error
        finally:
            await close(consumer)
        offsets: dict[str, tuple[tuple[int, int], ...]] = {}
        for place in places:
            offsets[place.topic] = (*offsets.get(place.topic, ()), (begins[place], ends[place]))
        return offsets

    async def _sizes(self, there: Mapping[str, TopicOnBroker]) -> dict[str, int]:
        """Bytes on disk by topic, all replicas together; nothing where we may not ask."""
        names = [(self._settings.topic(name), list(range(topic.partitions))) for name, topic in there.items()]
        sizes: dict[str, int] = {}

        async def ask(admin: AIOKafkaAdminClient) -> list[Any]:
            nodes = [broker.nodeId for broker in client_of(admin).cluster.brokers()]
            return [await client_of(admin).send(node, LogDirsRequest(names)) for node in nodes]

        try:
            responses = await self._ask(ask)
        except NotAuthorisedError:
            return {}
        for response in responses:
            for folder in response.to_object()["log_dirs"]:
                for topic in folder["topics"]:
                    sizes[topic["name"]] = sizes.get(topic["name"], 0) + sum(
                        partition["size"] for partition in topic["partitions"]
                    )
        return sizes


def _alter_error(name: str, error: type[errors.KafkaError], message: str | None) -> BusError:
    if is_refusal(error()):
        return NotAuthorisedError(f"the settings of {name!r} may not be changed: permit AlterConfigs on it")
    return BusError(f"the settings of {name!r} could not be changed: {message or error.__name__}")
