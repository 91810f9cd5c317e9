"""What `spark-portfolio check` says of Kafka: whether it answers, lets us in, and has the topics as they must be."""

from bus.interface import BusError, NotAuthorisedError
from bus.kafka_settings import KafkaSettings
from bus.kafka_topics import TopicAdmin
from cli.lines import Line
from schemas.topics import TOPICS

KAFKA = "kafka"
TOPICS_SUBJECT = "topics"

AWAY = "Kafka is away: "


async def kafka_lines(settings: KafkaSettings) -> list[Line]:
    """Look, and change nothing: a missing topic is told of, not made."""
    try:
        async with TopicAdmin(settings, client_id="spark-check") as admin:
            there = await admin.existing()
            problems = await admin.problems()
    except BusError as error:
        return [Line("error", KAFKA, what_of(error), mend_of(error))]
    lines = [Line("ok", KAFKA, f"answers at {settings.bootstrap_servers}{_as_whom(settings)}")]
    if missing := [settings.topic(name) for name in TOPICS if name not in there]:
        mend = "spark-portfolio topics makes them, as does every process that may"
        lines.append(Line("warning", TOPICS_SUBJECT, f"not there yet: {', '.join(missing)}", mend))
    lines += [Line("error", problem.topic, problem.what, problem.mend) for problem in problems]
    if not missing and not problems:
        lines.append(Line("ok", TOPICS_SUBJECT, f"all {len(TOPICS)} are as they must be"))
    return lines


def what_of(error: BusError) -> str:
    """What is wrong. A broker that does not let us in, or that we do not trust, is not away."""
    return str(error).removeprefix(AWAY) if isinstance(error, NotAuthorisedError) else str(error)


def mend_of(error: BusError) -> str:
    """What to do about a Kafka that could not be asked."""
    if isinstance(error, NotAuthorisedError):
        return "permit it, or correct the settings"
    return "start the broker, or correct KAFKA_BOOTSTRAP_SERVERS"


def sentence_of(error: BusError) -> str:
    """Both in one, for a command that ends with it. A refusal names its own mend, as does what is wrong with topics."""
    if isinstance(error, NotAuthorisedError) or not str(error).startswith(AWAY):
        return what_of(error)
    mend = mend_of(error)
    return f"{error}. {mend[0].upper()}{mend[1:]}"


def _as_whom(settings: KafkaSettings) -> str:
    if settings.sasl_username is not None:
        return f" and lets {settings.sasl_username!r} in"
    return " and takes our certificate" if settings.ssl_certfile is not None else ""
