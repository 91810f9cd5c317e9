"""On the topics that the aggregator writes the newest version stands last in the end, whatever arrives late or twice."""

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import topics
from schemas.encoding import Decoded, Stamp, decode
from tests.unit.aggregator.worlds import SECOND, START, Player, balance, quote, snapshot

EPOCH = 7


def stamp(epoch, seq):
    event = Stamp(epoch=epoch, seq=seq, published_at=START)
    return Decoded(topics.PORTFOLIO, "main", event)


def as_read(record):
    """A record of spark.portfolio as the aggregator follows it: who wrote it, and no more."""
    found = decode(record.topic.name, record.key.encode(), record.value)
    return Decoded(found.topic, found.key, None) if found.event is None else stamp(*found.event.version)


class Log:
    """One aggregator on a log that delivers its batches when it likes, and gives it back in order."""

    def __init__(self):
        self.player = Player(epoch=EPOCH)
        self.records = []
        self.on_their_way = []
        self.read = 0
        self.now = START
        self.seq = 0
        self.hold()

    def hold(self):
        self.seq += 1
        self.player.play(
            [
                snapshot([balance("BTC", str(self.seq))], version=(1, self.seq), at=self.now),
                quote("BTC", "USDT", "100", at=self.now),
            ],
            self.now,
        )

    def empty(self):
        self.player.play([Decoded(topics.BALANCES, "main/binance/main/spot", None)], self.now)

    def publish(self):
        self.now += SECOND
        before = len(self.player.sent)
        self.player.tick(self.now)
        self.on_their_way += [as_read(one) for one in self.player.sent[before:] if one.topic is topics.PORTFOLIO]

    def take(self, count):
        for fact in self.records[self.read : self.read + count]:
            self.player.play([fact], self.now)
        self.read = min(len(self.records), self.read + count)


STEP = st.sampled_from(["hold", "publish", "arrive", "late", "twice", "zombie", "buried", "read", "empty"])


@given(st.lists(STEP, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_the_newest_stands_last_in_the_end(steps, random):
    log = Log()
    for step in steps:
        if step in {"hold", "publish", "empty"}:
            getattr(log, step)()
        elif step == "read":
            log.take(random.randint(1, 4))
        elif step == "zombie":
            log.records.append(stamp(random.randint(1, EPOCH - 1), random.randint(1, 99)))
        elif step == "buried":
            log.records.append(Decoded(topics.PORTFOLIO, "main", None))
        elif log.on_their_way:
            index = 0 if step == "arrive" else random.randrange(len(log.on_their_way))
            record = log.on_their_way[index] if step == "twice" else log.on_their_way.pop(index)
            log.records.append(record)
    rest(log)
    assert log.player.aggregator.replaced_by is None
    newest = [as_read(one) for one in log.player.sent if one.topic is topics.PORTFOLIO][-1:]
    if newest:
        assert log.records[-1] == newest[0]
    repairs = log.player.aggregator.repairs["spark.portfolio"]
    for _ in range(3):  # Signs of life, read in order: nothing is mended.
        log.now += 15 * SECOND
        rest(log)
    assert log.player.aggregator.repairs["spark.portfolio"] == repairs


def rest(log):
    """Let everything arrive and be read, until nothing more is written."""
    for _ in range(100):
        log.publish()
        if not log.on_their_way and log.read == len(log.records):
            return
        log.records += log.on_their_way
        log.on_their_way.clear()
        log.take(len(log.records))
    raise AssertionError("it never rests")


@given(st.lists(st.sampled_from(["hold", "publish", "arrive", "read"]), max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_a_log_in_order_is_never_mended_however_late_it_is_read(steps, random):
    log = Log()
    for step in steps:
        if step in {"hold", "publish"}:
            getattr(log, step)()
        elif step == "read":
            log.take(random.randint(1, 4))
        elif log.on_their_way:
            log.records.append(log.on_their_way.pop(0))
    rest(log)
    assert not log.player.aggregator.repairs
