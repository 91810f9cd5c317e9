"""`python -m localkafka.demo`: a fresh broker, and the demo of the product on it as processes; Ctrl-C ends all."""

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


def main() -> int:
    """Run until Ctrl-C or SIGTERM; the exit code of the product, or 1 where there can be no broker."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Both ways of ending it are one.
    with tempfile.TemporaryDirectory(prefix="spark-demo-") as temporary:
        broker = BlockingBroker(Path(temporary))
        try:
            sys.stderr.write("starting Apache Kafka ...\n")
            broker.start()
            return run_product(broker.bootstrap)
        except (BrokerError, KafkaUnavailableError) as error:
            sys.stderr.write(f"{error}\n")
            return 1
        except KeyboardInterrupt:
            return 0
        finally:
            broker.stop()


def run_product(bootstrap: str) -> int:
    """Run the product until it ends. Its settings are the environment's, but for Kafka; no env file is read."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith(("KAFKA_", "TOPIC_"))}
    environment |= {"KAFKA_BOOTSTRAP_SERVERS": bootstrap, "TOPIC_PREFIX": TOPIC_PREFIX}
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
        return product.wait()
    finally:
        signal.signal(signal.SIGINT, previous)


def _go_on(_number: int, _frame: FrameType | None) -> None:
    """Not SIG_IGN: a program inherits that, and would never hear of a Ctrl-C."""


if __name__ == "__main__":
    sys.exit(main())
