"""Our own reading of fetched bytes agrees with the library's, and reads what the library cannot."""

import gzip
import struct

import pytest
from aiokafka import errors
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.kafka_records import records_in
from tests.kafka.tools import with_header_key

Row = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]

texts = st.none() | st.binary(max_size=300)
headers = st.lists(st.tuples(st.text(max_size=5).filter(lambda name: name.isprintable()), texts), max_size=3)
rows = st.lists(st.tuples(texts, texts, headers), min_size=1, max_size=8)


def batch(content: list[Row], base: int = 0) -> bytearray:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 10_000_000)
    for offset, (key, value, names) in enumerate(content):
        builder.append(offset, timestamp=1_000 + offset, key=key, value=value, headers=names)
    built = builder.build()
    struct.pack_into(">q", built, 0, base)
    return built


def changed(built: bytearray, *, attributes: int, records: bytes | None = None) -> bytes:
    """The same batch with other attributes, maybe packed records, and a right checksum."""
    made = built[:61] + (bytes(built[61:]) if records is None else records)
    struct.pack_into(">i", made, 8, len(made) - 12)
    struct.pack_into(">h", made, 21, attributes)
    struct.pack_into(">I", made, 17, calc_crc32c(bytes(made[21:])))
    return bytes(made)


@given(batches=st.lists(rows, min_size=1, max_size=4), first=st.integers(0, 12), cut=st.integers(0, 40))
@settings(max_examples=300, deadline=None)
def test_it_reads_what_the_library_reads(batches: list[list[Row]], first: int, cut: int):
    data, base = b"", 0
    for content in batches:
        data += batch(content, base)
        base += len(content) + 2  # Compaction leaves holes.
    data = data[: len(data) - cut]
    expected, following = [], first
    library = MemoryRecords(data)
    while library.has_next():
        one = library.next_batch()
        expected += [(record.offset, record.key, record.value) for record in one if record.offset >= first]
        following = max(following, one.next_offset)
    found, after = records_in(data, "t", 3, first)
    assert [(record.offset, record.key, record.value) for record in found] == expected
    assert after == following
    assert all((record.topic, record.partition) == ("t", 3) for record in found)


@pytest.mark.parametrize("codec", [0, 1])
def test_it_reads_past_names_that_are_no_utf8(codec: int):
    built = batch([(b"k", b"v", [("ZZZZ", b"x"), ("b", None)]), (None, None, []), (b"k", None, [("c", b"")])])
    with_header_key(built, b"ZZZZ", b"\xff\xfe\xfd\xfc")
    data = changed(built, attributes=codec, records=gzip.compress(bytes(built[61:])) if codec else None)
    with pytest.raises((UnicodeDecodeError, errors.CorruptRecordException)):
        list(MemoryRecords(data).next_batch())
    found, following = records_in(data, "t", 0, 0)
    assert [(record.key, record.value) for record in found] == [(b"k", b"v"), (None, None), (b"k", None)]
    assert following == 3


def test_markers_are_no_records_but_move_on():
    found, following = records_in(changed(batch([(b"\0\0\0\1", b"", [])], 7), attributes=0x30), "t", 0, 7)
    assert (found, following) == ([], 8)


def test_nothing_is_nothing():
    assert records_in(b"", "t", 0, 5) == ([], 5)
    assert records_in(bytes(batch([(b"k", b"v", [])], 3)), "t", 0, 9) == ([], 9)


@given(at=st.integers(12, 200), bit=st.integers(0, 7))
@settings(max_examples=300, deadline=None)
def test_a_flipped_bit_is_never_taken_for_a_record(at: int, bit: int):
    built = batch([(b"key", b"value" * 40, [("header", b"x")])])
    damaged = bytearray(built)
    damaged[at % len(built)] ^= 1 << bit
    try:
        found, _ = records_in(bytes(damaged), "t", 0, 0)
    except errors.KafkaError:
        return
    # What is not under the checksum: where the batch begins, how long it is, and who led when it was written.
    assert at % len(built) < 16
    assert [(record.key, record.value) for record in found] in ([], [(b"key", b"value" * 40)])


@pytest.mark.parametrize("codec", [2, 3, 4, 7])
def test_what_it_cannot_unpack_it_says(codec: int):
    with pytest.raises(errors.UnsupportedCodecError):
        records_in(changed(batch([(b"k", b"v", [])]), attributes=codec), "t", 0, 0)


def test_lengths_that_lie_under_a_right_checksum_are_corrupt():
    built = batch([(b"k", b"v", [])])
    for at in range(61, len(built)):
        lying = bytearray(built)
        lying[at] ^= 0x7E
        try:
            records_in(changed(lying, attributes=0), "t", 0, 0)
        except errors.CorruptRecordException:
            continue
