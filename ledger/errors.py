"""What the ledger refuses: one class for each failure code, on record as a failed transaction."""

from core.errors import Refusal, RuleBroken, StateConflict
from ledger.kinds import FailureCode


class InsufficientFunds(RuleBroken):
    """`details` (`available`, `shortfall`) are for the wallet's owner and operators only."""

    code = "insufficient_funds"
    message = "The wallet does not hold enough."


class WalletNotActive(StateConflict):
    code = "wallet_not_active"
    message = "A wallet is frozen or closed."


class BalanceLimit(StateConflict):
    code = "balance_limit"
    message = "The balance would become larger than a wallet can hold."


REFUSAL_OF_FAILURE: dict[FailureCode, type[Refusal]] = {
    FailureCode.INSUFFICIENT_FUNDS: InsufficientFunds,
    FailureCode.WALLET_NOT_ACTIVE: WalletNotActive,
    FailureCode.BALANCE_LIMIT: BalanceLimit,
}
