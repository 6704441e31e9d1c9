"""
A stateful server that speaks Stripe's HTTP API, for tests without an account.
"""

from stripe_simulator.faults import Rule
from stripe_simulator.settings import Settings
from stripe_simulator.simulator import Simulator
from stripe_simulator.webhooks import sign

__all__ = ["Rule", "Settings", "Simulator", "sign"]
