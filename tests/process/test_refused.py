"""What only a person can mend ends a process: its exit code says which, one line says what to do."""

import json

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from localkafka import Acl, Certificates, Operation, Resource, authorizer, scram_listener
from tests.process.apart import Roles

PASSWORD = "canary-password-7"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


async def make_topic(bootstrap: str, name: str, partitions: int, **config: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
        assert [error[1] for error in answer.topic_errors] == [0]
    finally:
        await admin.close()


async def run(program, *words: str, code: int, **settings: str):
    one = await program().start(*words, **settings)
    assert await one.ended(20) == code, one.err[-2000:]
    assert "Traceback" not in one.err
    return one


def last_word(program) -> dict:
    """The one line in which the process itself says why it ends."""
    (line,) = [line for line in map(json.loads, program.err.splitlines()) if line["logger"] == "cli.run"]
    assert line["level"] == "error"
    return line


@pytest.mark.slow
async def test_topics_of_somebody_else_under_our_names_are_refused_with_the_mend(
    program, kafka: str, topic_prefix: str
) -> None:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "TOPIC_PREFIX": topic_prefix}
    await make_topic(
        kafka, f"{topic_prefix}spark.prices", 1, **{"cleanup.policy": "delete", "segment.bytes": "1048576"}
    )
    await make_topic(kafka, f"{topic_prefix}spark.balances", 3, **{"cleanup.policy": "compact"})
    roles = Roles(program, kafka, topic_prefix, {})
    aggregator = roles.programs["aggregator"]
    await roles.start("aggregator")
    assert await aggregator.ended(20) == 2
    line = last_word(aggregator)
    for said in ("cleanup.policy is delete and must be compact,delete", "it has 3 partitions, 12 are needed"):
        assert said in line["reason"]
    assert "spark-portfolio topics --reconcile" in line["reason"]

    shown = await run(program, "topics", code=2, **settings)
    assert f"{topic_prefix}spark.prices: cleanup.policy is delete" in shown.out
    assert "kafka-configs.sh --alter" in shown.out
    mended = await run(program, "topics", "--reconcile", "--json", code=2, **settings)
    answer = json.loads(mended.out)
    wrong = {topic["name"]: topic["problems"] for topic in answer["topics"] if topic["problems"]}
    assert {"topic": f"{topic_prefix}spark.prices", "setting": "cleanup.policy", "was": "delete"} in [
        {name: text for name, text in one.items() if name != "is"} for one in answer["set_right"]
    ]
    assert set(wrong) == {f"{topic_prefix}spark.balances"}, "settings are set, partitions cannot be"
    assert "cannot be taken away" in wrong[f"{topic_prefix}spark.balances"][0]["mend"]


async def test_topics_are_made_and_shown(program, kafka: str, topic_prefix: str) -> None:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "TOPIC_PREFIX": topic_prefix}
    checked = await run(program, "check", "--json", code=1, **settings, **CLOSED)
    lines = {line["subject"]: line for line in json.loads(checked.out)["lines"]}
    assert lines["kafka"]["outcome"] == "ok"
    assert f"not there yet: {topic_prefix}spark.balances" in lines["topics"]["what"]
    made = json.loads((await run(program, "topics", "--json", code=0, **settings)).out)
    assert len(made["made"]) == 7
    assert all(topic["exists"] and not topic["problems"] for topic in made["topics"])
    assert {topic["partitions"] for topic in made["topics"]} == {1, 12}
    assert not json.loads((await run(program, "topics", "--json", code=0, **settings)).out)["made"]
    checked = await run(program, "check", "--json", code=1, **settings, **CLOSED)
    lines = {line["subject"]: line for line in json.loads(checked.out)["lines"]}
    assert lines["topics"]["what"] == "all 7 are as they must be"


CLOSED = {"BINANCE_REST_URL": "http://127.0.0.1:9", "BTCTURK_REST_URL": "http://127.0.0.1:9"}


@pytest.mark.slow
async def test_who_is_not_let_in_leaves_with_code_5_and_one_clear_line(
    program, broker, certificates: Certificates, topic_prefix: str
) -> None:
    secured = broker(listeners=[scram_listener(certificates)], users={"alice": PASSWORD}, properties=authorizer())
    await secured.start()
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": secured.address("SCRAM"),
        "TOPIC_PREFIX": topic_prefix,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_SSL_CAFILE": str(certificates.ca),
        "KAFKA_SASL_USERNAME": "alice",
        "KAFKA_SASL_PASSWORD": PASSWORD,
    }
    roles = Roles(program, "", topic_prefix, {})
    roles.settings = settings
    for role, wrong, said in (
        ("collector binance", {}, "Kafka does not permit what this process needs"),
        ("aggregator", {"KAFKA_SASL_PASSWORD": "wrong-password"}, "does not let this process in as 'alice'"),
        ("api", {"KAFKA_SSL_CAFILE": str(certificates.client_cert)}, "do not trust each other"),
    ):
        roles.settings = settings | wrong
        await roles.start(role, BINANCE_REST_URL="http://127.0.0.1:9")
        one = roles.programs[role]
        assert await one.ended(20) == 5, one.err[-2000:]
        assert said in json.dumps(last_word(one))
        assert PASSWORD not in one.err + one.out
    assert "it needs the permission Describe" in (await run(program, "topics", code=5, **settings)).err
    refused = await run(program, "check", "--json", code=1, **settings | {"KAFKA_SASL_PASSWORD": "no"}, **CLOSED)
    lines = {line["subject"]: line for line in json.loads(refused.out)["lines"]}
    assert lines["kafka"]["outcome"] == "error"
    assert "does not let this process in" in lines["kafka"]["what"]
    assert "away" not in lines["kafka"]["what"], "it is there, and refuses us"
    refused = await run(program, "topics", code=5, **settings | {"KAFKA_SASL_PASSWORD": "no"})
    assert "does not let this process in" in refused.err
    assert "away" not in refused.err
    fleet = await run(program, "up", "--demo", code=5, **settings)
    assert "cannot go on (Kafka does not permit what it needs), so all end" in fleet.err
    await secured.allow(Acl("alice", Operation.ALL, Resource.TOPIC, topic_prefix, prefixed=True))
    assert len(json.loads((await run(program, "topics", "--json", code=0, **settings)).out)["made"]) == 7
