"""The first lines that a person reads."""

import os
from pathlib import Path

from cli.demo import demo_base, demo_settings
from cli.settings.load import load_settings
from cli.specs import specs
from cli.up import where_to_look


def lines(**environment: str) -> str:
    base = demo_base(load_settings((), Path(os.devnull), environment))
    settings = demo_settings(base, specs(), {spec.name: "http://127.0.0.1:9" for spec in specs()})
    return "\n".join(where_to_look("http://127.0.0.1:4001", settings, demo=True))


def test_a_demo_on_kafka_says_which_topics_are_its_own() -> None:
    assert "On Kafka at 127.0.0.1:9092, its topics are demo.spark.…" in lines(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9092")
    shown = lines(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9092", TOPIC_PREFIX="desk-a.")
    assert "its topics are demo.desk-a.spark.…" in shown


def test_a_demo_in_one_process_has_no_topics_to_speak_of() -> None:
    assert "topics" not in lines()
