"""Binance and BTCTurk as real local HTTP servers, for tests, the demo and benchmarks.

The package shares no code with the collectors: what it believes about the exchanges is written down a
second time, from the documentation, so that one misreading cannot hide in both.
"""

from simulator.config import Account, BinanceRules, BtcturkRules, Holding, Listing, SimulatorConfig
from simulator.demo import demo_config, fake_account
from simulator.faults import KINDS, Fault
from simulator.names import UnknownNameError
from simulator.record import RequestSeen
from simulator.simulator import Simulator

__all__ = [
    "KINDS",
    "Account",
    "BinanceRules",
    "BtcturkRules",
    "Fault",
    "Holding",
    "Listing",
    "RequestSeen",
    "Simulator",
    "SimulatorConfig",
    "UnknownNameError",
    "demo_config",
    "fake_account",
]
