"""SIGKILL at random moments of random processes on a real broker, and nothing of the history that must not be."""

import os
import random
from pathlib import Path

import pytest

from tests.history.rounds import keep_evidence, run

ROUNDS = 5


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_five_rounds_of_kill_leave_a_true_history(kafka: str, topic_prefix: str, tmp_path: Path) -> None:
    seed = int(os.environ.get("SEED") or random.SystemRandom().randrange(10**6))
    report = await run(int(os.environ.get("ROUNDS") or ROUNDS), seed, kafka, topic_prefix, tmp_path)
    said = "\n".join(report.lines())
    print(said)
    if report.findings:
        keep_evidence(report, tmp_path)
    assert not report.findings, said
    assert report.history.quiet
    assert len(report.history.records) > 50
    assert len(report.history.answers) > 50
    assert len(report.history.acked) > 5
