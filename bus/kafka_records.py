"""Records out of what a broker answers to a fetch, with their headers stepped over instead of read.

aiokafka decodes the names of headers as UTF-8 and raises where one is not, so one record could stop a reader for good.
Where it does, the same records are read again here: slower, which for those does not matter. The format (version 2, the
only one that brokers of today give) is that of Kafka's ``DefaultRecordBatch.java`` and ``DefaultRecord.java``.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from aiokafka import errors
from aiokafka.codec import gzip_decode
from aiokafka.record.util import calc_crc32c, decode_varint

_LENGTH_AT: Final = 8
_AFTER_LENGTH: Final = 12
_MAGIC_AT: Final = 16
_CHECKSUM_AT: Final = 17
_AFTER_CHECKSUM: Final = 21
_LAST_DELTA_AT: Final = 23
_COUNT_AT: Final = 57
_RECORDS_AT: Final = 61

_MAGIC: Final = 2
_CODEC_BITS: Final = 0x07
_GZIP: Final = 1
_CONTROL_BIT: Final = 0x20


class FetchedRecord(NamedTuple):
    """What is needed of a record."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


def records_in(data: bytes, topic: str, partition: int, first: int) -> tuple[list[FetchedRecord], int]:
    """The records from offset ``first`` on, and the offset that comes next.

    CorruptRecordException, UnsupportedCodecError: nothing of it may be stepped over then.
    """
    found: list[FetchedRecord] = []
    following = first
    try:
        for batch in _batches(data):
            base = struct.unpack_from(">q", batch)[0]
            attributes, last_delta = struct.unpack_from(">hi", batch, _AFTER_CHECKSUM)
            following = max(following, base + last_delta + 1)
            if not attributes & _CONTROL_BIT:
                found += (
                    FetchedRecord(topic, partition, base + delta, key, value)
                    for delta, key, value in _records(batch, attributes & _CODEC_BITS)
                    if base + delta >= first
                )
    except (IndexError, struct.error, ValueError) as error:
        raise errors.CorruptRecordException(f"a batch of {topic} cannot be read") from error
    return found, following


def _batches(data: bytes) -> Iterator[bytes]:
    """Whole batches; a broker cuts the last one off where its answer is full."""
    at = 0
    while len(data) - at > _RECORDS_AT:
        length = struct.unpack_from(">i", data, at + _LENGTH_AT)[0]
        end = at + _AFTER_LENGTH + length
        if length <= 0 or end > len(data):
            return
        batch = data[at:end]
        if batch[_MAGIC_AT] != _MAGIC:
            raise errors.UnsupportedCodecError(f"format {batch[_MAGIC_AT]} of records is too old")
        if calc_crc32c(batch[_AFTER_CHECKSUM:]) != struct.unpack_from(">I", batch, _CHECKSUM_AT)[0]:
            raise errors.CorruptRecordException("wrong checksum")
        yield batch
        at = end


def _records(batch: bytes, codec: int) -> Iterator[tuple[int, bytes | None, bytes | None]]:
    count = struct.unpack_from(">i", batch, _COUNT_AT)[0]
    content = bytearray(batch[_RECORDS_AT:])
    if codec == _GZIP:
        content = bytearray(gzip_decode(memoryview(content)))
    elif codec:
        raise errors.UnsupportedCodecError(f"codec {codec}")
    at = 0
    for _ in range(count):
        length, at = decode_varint(content, at)
        end = at + length
        _, at = decode_varint(content, at + 1)  # Behind the attributes, the time.
        delta, at = decode_varint(content, at)
        key, at = _bytes(content, at)
        value, at = _bytes(content, at)
        if not at <= end <= len(content):
            raise ValueError("a record is longer than its batch")
        yield delta, key, value
        at = end  # Whatever headers there are.


def _bytes(content: bytearray, at: int) -> tuple[bytes | None, int]:
    length, at = decode_varint(content, at)
    if length < 0:
        return None, at
    return bytes(content[at : at + length]), at + length
