"""A real Apache Kafka on this machine, for tests, benchmarks and the demo: one broker, and faults to put it through.

It runs Apache's own jars (`jars`) on the Java of the machine, bound to 127.0.0.1 alone. POSIX systems only, like Kafka.
"""

from localkafka.blocking import BlockingBroker, BrokerError
from localkafka.broker import Broker
from localkafka.certificates import Certificates
from localkafka.jars import KafkaUnavailableError
from localkafka.listeners import Listener
from localkafka.ports import free_port
from localkafka.proxy import Proxy
from localkafka.security import Acl, Operation, Resource, authorizer, mtls_listener, scram_listener

__all__ = [
    "Acl",
    "BlockingBroker",
    "Broker",
    "BrokerError",
    "Certificates",
    "KafkaUnavailableError",
    "Listener",
    "Operation",
    "Proxy",
    "Resource",
    "authorizer",
    "free_port",
    "mtls_listener",
    "scram_listener",
]
