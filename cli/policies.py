"""How long the topics keep what: as it is on the broker, and as it must be, in words."""

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from bus.kafka_config import TopicProblem, topic_config
from bus.kafka_topics import TopicReport

_NOT_SET: Final = "not set"
_DIFFERENCE: Final = re.compile(r"(?:^|, )([a-z.]+) is (.*?) and must be (.*?)(?=, [a-z.]+ is |$)")
"""What a problem of the settings says, a setting after the other."""

_MS_A_DAY: Final = 86_400_000
_MS_AN_HOUR: Final = 3_600_000


class Difference(NamedTuple):
    """A setting of a topic that is not as it must be; empty where it is not set."""

    setting: str
    is_now: str
    wanted: str


def differences(problem: TopicProblem) -> list[Difference]:
    """The settings that a problem names; none where it is about something else."""
    found = (Difference(*match.groups()) for match in _DIFFERENCE.finditer(problem.what))
    return [one._replace(is_now="") if one.is_now == _NOT_SET else one for one in found]


def wrong_settings(problems: Sequence[TopicProblem]) -> list[tuple[str, Difference]]:
    """All of them, each with its topic."""
    return [(problem.topic, one) for problem in problems for one in differences(problem)]


def wanted_policy(report: TopicReport) -> str:
    """How long the topic must keep what, in words."""
    return _in_words(topic_config(report.topic))


def policy(report: TopicReport) -> str:
    """How long it keeps what on the broker, in words; what must be, where it is not there yet or may not be seen."""
    wrong = {one.setting: one.is_now for _, one in wrong_settings(report.problems)}
    return _in_words(topic_config(report.topic) | wrong)


def _in_words(config: Mapping[str, str]) -> str:
    policies = config["cleanup.policy"].split(",")
    words = ["compacted"] if "compact" in policies else []
    if "delete" in policies:
        words.append(_time(config["retention.ms"]) if "retention.ms" in config else "deletes what is old")
    return ", ".join(words) or config["cleanup.policy"]


def _time(milliseconds: str) -> str:
    try:
        value = int(milliseconds)
    except ValueError:
        return "deletes what is old"
    if value < 0:
        return "for ever"
    return f"{value / _MS_A_DAY:g} d" if value >= _MS_A_DAY else f"{value / _MS_AN_HOUR:g} h"
