"""The partition of a record is that of Kafka's own clients for its portfolio, whatever the rest of the key says."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.partitions import partition_of
from schemas.topics import BALANCES, COLLECTORS, COMMANDS, PORTFOLIO, PORTFOLIO_PARTITIONS, PRICES, join_key

# Of Apache Kafka's own test (clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2).
JAVA_MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}

PARTITIONS = list(range(PORTFOLIO_PARTITIONS))
names = st.text(min_size=1, max_size=40).filter(lambda name: name.encode("utf-8", "ignore").decode() == name)


@pytest.mark.parametrize(("portfolio", "hashed"), JAVA_MURMUR2.items())
def test_it_hashes_as_kafkas_java_client_does(portfolio: bytes, hashed: int):
    expected = (hashed & 0x7FFFFFFF) % PORTFOLIO_PARTITIONS
    assert partition_of(BALANCES, f"{portfolio.decode()}/binance/main/spot") == expected


@given(portfolio=names, rest=st.lists(names, max_size=3))
@settings(max_examples=300, deadline=None)
def test_it_is_the_default_partition_of_the_portfolios_bytes(portfolio: str, rest: list[str]):
    expected = DefaultPartitioner()(portfolio.encode(), PARTITIONS, PARTITIONS)
    for topic in (BALANCES, COLLECTORS, PORTFOLIO):
        assert partition_of(topic, join_key(portfolio, *rest)) == expected
    for topic in (PRICES, COMMANDS):
        assert partition_of(topic, join_key(portfolio, *rest)) == 0


def test_a_name_with_the_separator_in_it_is_hashed_as_it_is_not_as_it_is_written():
    # 'a/b' is written a%2Fb in a key; who publishes it under its bare name must find the same partition.
    assert partition_of(BALANCES, "a%2Fb/binance/main/spot") == partition_of(PORTFOLIO, join_key("a/b"))
    assert partition_of(BALANCES, join_key("100%2F")) == DefaultPartitioner()(b"100%2F", PARTITIONS, PARTITIONS)
