"""`python -m localkafka.demo`: a fresh broker, and the demo of the product on it as processes; Ctrl-C ends all."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

from localkafka.blocking import BlockingBroker, BrokerError
from localkafka.jars import KafkaUnavailableError

COMMAND = Path(sys.executable).with_name("spark-portfolio")
TOPIC_PREFIX = "demo."

LOOK_SECONDS = 0.5
"""How soon a death of the broker is seen."""

END_SECONDS = 10.0
"""For the product to end in order; it needs five at most."""


def main() -> int:
    """Run until Ctrl-C or SIGTERM; the exit code of the product, or 1 where there can be no broker."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Both ways of ending it are one.
    with tempfile.TemporaryDirectory(prefix="spark-demo-") as temporary:
        broker = BlockingBroker(Path(temporary))
        try:
            sys.stderr.write("starting Apache Kafka ...\n")
            broker.start()
            # For other tools, which may be pointed at it: a line that a shell and an env file can read.
            sys.stdout.write(f"KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap} TOPIC_PREFIX={TOPIC_PREFIX}\n")
            sys.stdout.flush()
            return run_product(broker)
        except (BrokerError, KafkaUnavailableError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            broker.stop()


def run_product(broker: BlockingBroker) -> int:
    """Run the product until it ends; BrokerError when the broker died before it.

    Its settings are the environment's, but for Kafka; no env file is read.
    """
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("KAFKA_", "TOPIC_"))}
    environment |= {"KAFKA_BOOTSTRAP_SERVERS": broker.bootstrap, "TOPIC_PREFIX": TOPIC_PREFIX}
    # A Ctrl-C goes to both of us: it ends the product, which must find its broker until its end.
    previous = signal.signal(signal.SIGINT, _go_on)
    product = subprocess.Popen(  # noqa: S603 - our own command
        [COMMAND, "up", "--demo", "--env-file", os.devnull],
        env=environment,
    )

    def end(_number: int, _frame: FrameType | None) -> None:
        product.terminate()

    signal.signal(signal.SIGTERM, end)
    try:
        return _until_end(product, broker)
    finally:
        signal.signal(signal.SIGINT, previous)


def _until_end(product: subprocess.Popen[bytes], broker: BlockingBroker) -> int:
    """The exit code of the product. It would wait for its broker for ever, and nobody starts this one again."""
    while broker.pid is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return product.wait(LOOK_SECONDS)
    product.terminate()
    try:
        product.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        product.kill()
        product.wait()
    raise BrokerError("the demo's own Kafka has died, so the demo ends: start it again with make demo-kafka")


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN: a program inherits that, and would never hear of a Ctrl-C."""


if __name__ == "__main__":
    sys.exit(main())
