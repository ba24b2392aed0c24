"""A typed client of the wallet service. Money is exact, a refusal is an exception with a code."""

from wallet_client import models
from wallet_client.operations import WalletClient
from wallet_client.transport import Refused, UnexpectedAnswer

__all__ = ["Refused", "UnexpectedAnswer", "WalletClient", "models"]
