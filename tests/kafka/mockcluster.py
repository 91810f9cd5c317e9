"""A broker that answers with the errors it is told to: librdkafka's mock cluster, in a process of its own.

It speaks the real protocol, and knows neither compaction nor topic settings; so it is used only where a real broker
cannot be made to give a certain error. In a process of its own, because a mistake of its takes its process along.

``python mockcluster.py TOPIC:PARTITIONS ...`` prints its address, then obeys lines on its input, each answered by ``ok``:
``errors API CODE ...`` (the next requests of that API are answered by these, one after the other; 0 is no error),
``topic NAME CODE`` (its metadata carry this error from now on).
"""

import asyncio
import ctypes
import glob
import os
import sys
from collections.abc import Mapping
from pathlib import Path

PRODUCE, FETCH = 0, 1
"""Numbers of requests, as the protocol has them."""

OFFSET_OUT_OF_RANGE, CORRUPT, UNKNOWN_TOPIC, NOT_LEADER, TIMED_OUT, TOO_LARGE, NOT_AUTHORISED = 1, 2, 3, 6, 7, 10, 29
"""Numbers of errors."""

_PRODUCER = 0
_TEXT_BYTES = 512


def library() -> ctypes.CDLL:
    import confluent_kafka

    (path,) = glob.glob(os.path.join(os.path.dirname(confluent_kafka.__file__) + ".libs", "librdkafka*.so*"))  # noqa: PTH118, PTH120, PTH207
    lib = ctypes.CDLL(path)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    lib.rd_kafka_new.restype = pointer
    lib.rd_kafka_new.argtypes = [ctypes.c_int, pointer, text, ctypes.c_size_t]
    lib.rd_kafka_mock_cluster_new.restype = pointer
    lib.rd_kafka_mock_cluster_new.argtypes = [pointer, ctypes.c_int]
    lib.rd_kafka_mock_cluster_bootstraps.restype = text
    lib.rd_kafka_mock_cluster_bootstraps.argtypes = [pointer]
    lib.rd_kafka_mock_topic_create.argtypes = [pointer, text, ctypes.c_int, ctypes.c_int]
    lib.rd_kafka_mock_topic_set_error.argtypes = [pointer, text, ctypes.c_int]
    lib.rd_kafka_mock_push_request_errors_array.argtypes = [
        pointer,
        ctypes.c_int16,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_int),
    ]
    return lib


def serve(topics: list[str]) -> None:
    lib = library()
    error = ctypes.create_string_buffer(_TEXT_BYTES)
    handle = lib.rd_kafka_new(_PRODUCER, None, error, _TEXT_BYTES)
    cluster = lib.rd_kafka_mock_cluster_new(handle, 1)
    for topic in topics:
        name, _, partitions = topic.rpartition(":")
        assert lib.rd_kafka_mock_topic_create(cluster, name.encode(), int(partitions), 1) == 0
    print(lib.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
    for line in sys.stdin:
        what, first, *rest = line.split()
        if what == "errors":
            codes = [int(code) for code in rest]
            lib.rd_kafka_mock_push_request_errors_array(
                cluster, int(first), len(codes), (ctypes.c_int * len(codes))(*codes)
            )
        elif what == "topic":
            lib.rd_kafka_mock_topic_set_error(cluster, first.encode(), int(rest[0]))
        print("ok", flush=True)


class MockCluster:
    """The other side: starts the process, tells it what to do, ends it."""

    def __init__(self, topics: Mapping[str, int]) -> None:
        self._topics = topics
        self._process: asyncio.subprocess.Process | None = None
        self.bootstrap = ""

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(Path(__file__)),
            *(f"{name}:{partitions}" for name, partitions in self._topics.items()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        self.bootstrap = await self._answer()

    async def answer_with(self, request: int, *codes: int) -> None:
        """The next answers to this kind of request."""
        await self._tell("errors", request, *codes)

    async def topic_error(self, topic: str, code: int) -> None:
        """What the metadata of a topic say from now on; 0 for nothing."""
        await self._tell("topic", topic, code)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def _tell(self, *words: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        assert await self._answer() == "ok"

    async def _answer(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(10):
            return (await self._process.stdout.readline()).decode().strip()


if __name__ == "__main__":
    serve(sys.argv[1:])
