"""`python -m localkafka`: a broker until Ctrl-C, for trying things out."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from localkafka.blocking import BlockingBroker, BrokerError
from localkafka.jars import KafkaUnavailableError

CHECK_SECONDS = 1.0
"""How soon it is noticed that the broker has ended by itself."""


def main(arguments: list[str] | None = None) -> int:
    """Run a broker and print its address; 0 after Ctrl-C or SIGTERM, 1 when it cannot run or ends by itself."""
    parser = argparse.ArgumentParser(prog="python -m localkafka", description="A real Apache Kafka on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=9092, help="its port (default: 9092)")
    parser.add_argument("--folder", type=Path, help="keep its data here; without it they are gone at the end")
    settings = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Both ways of ending it are one.
    with tempfile.TemporaryDirectory(prefix="localkafka-") as temporary:
        broker = BlockingBroker(settings.folder or Path(temporary), port=settings.port)
        try:
            broker.start()
            print(f"KAFKA_BOOTSTRAP_SERVERS={broker.bootstrap}", flush=True)
            while broker.pid is not None:
                time.sleep(CHECK_SECONDS)
            print(f"the broker ended by itself; its last words: {broker.last_words()}", file=sys.stderr)
        except (BrokerError, KafkaUnavailableError) as error:
            print(error, file=sys.stderr)
        except KeyboardInterrupt:
            return 0
        finally:
            broker.stop()
    return 1


if __name__ == "__main__":
    sys.exit(main())
