"""What `spark-portfolio check` says of Kafka: whether it answers, lets us in, and has the topics as they must be."""

from bus.interface import BusError, NotAuthorisedError
from bus.kafka_settings import KafkaSettings
from bus.kafka_topics import TopicAdmin
from cli.lines import Line
from schemas.topics import TOPICS

KAFKA = "kafka"
TOPICS_SUBJECT = "topics"


async def kafka_lines(settings: KafkaSettings) -> list[Line]:
    """Look, and change nothing: a missing topic is told of, not made."""
    try:
        async with TopicAdmin(settings, client_id="spark-check") as admin:
            there = await admin.existing()
            problems = await admin.problems()
    except NotAuthorisedError as error:
        return [Line("error", KAFKA, str(error), "permit it, or correct the settings")]
    except BusError as error:
        return [Line("error", KAFKA, str(error), "start the broker, or correct KAFKA_BOOTSTRAP_SERVERS")]
    lines = [Line("ok", KAFKA, f"answers at {settings.bootstrap_servers}{_as_whom(settings)}")]
    if missing := [settings.topic(name) for name in TOPICS if name not in there]:
        mend = "spark-portfolio topics makes them, as does every process that may"
        lines.append(Line("warning", TOPICS_SUBJECT, f"not there yet: {', '.join(missing)}", mend))
    lines += [Line("error", problem.topic, problem.what, problem.mend) for problem in problems]
    if not missing and not problems:
        lines.append(Line("ok", TOPICS_SUBJECT, f"all {len(TOPICS)} are as they must be"))
    return lines


def _as_whom(settings: KafkaSettings) -> str:
    if settings.sasl_username is not None:
        return f" and lets {settings.sasl_username!r} in"
    return " and takes our certificate" if settings.ssl_certfile is not None else ""
