"""What the ledger refuses: a class for each failure code, and for each denial."""

from core.errors import RateLimited, Refusal, RuleBroken, StateConflict
from ledger.kinds import Denial, FailureCode
from wallets.errors import (
    ApprovalExceeded,
    ChargeNotApproved,
    PayTokenExceeded,
    PayTokenExpired,
    PayTokenNotFound,
    PayTokenOtherCompany,
    PayTokenUsed,
)


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


class TooManyFailedAttempts(RateLimited):
    """An attempt that failed and leaves no row: enough of its two accounts are on record."""

    code = "too_many_failed_attempts"
    message = "Too many attempts between these two accounts have failed: wait, then try again."

    def __init__(self, *, retry_after_seconds: int = 3_600) -> None:
        super().__init__(retry_after_seconds=retry_after_seconds)


class HoldNotActive(StateConflict):
    """`details.status` is how it ended."""

    code = "hold_not_active"
    message = "This hold has ended."


class HoldExpired(StateConflict):
    code = "hold_expired"
    message = "This hold has expired: its money is free again."


class CaptureExceedsHold(RuleBroken):
    """`details.remaining` is what can still be captured."""

    code = "capture_exceeds_hold"
    message = "The capture is above what remains of the hold."


class HoldLimitReached(StateConflict):
    code = "hold_limit_reached"
    message = "As many holds of this wallet are active as may be."


class SplitsExceedAmount(RuleBroken):
    """`details.split` is the place, from 0, of the first split that is too much."""

    code = "splits_exceed_amount"
    message = "The splits are more than what the fee leaves of the amount."


REFUSAL_OF_FAILURE: dict[FailureCode, type[Refusal]] = {
    FailureCode.INSUFFICIENT_FUNDS: InsufficientFunds,
    FailureCode.WALLET_NOT_ACTIVE: WalletNotActive,
    FailureCode.BALANCE_LIMIT: BalanceLimit,
}

REFUSAL_OF_DENIAL: dict[Denial, type[Refusal]] = {
    Denial.PAYTOKEN_NOT_FOUND: PayTokenNotFound,
    Denial.PAYTOKEN_OTHER_COMPANY: PayTokenOtherCompany,
    Denial.PAYTOKEN_EXPIRED: PayTokenExpired,
    Denial.PAYTOKEN_USED: PayTokenUsed,
    Denial.PAYTOKEN_EXCEEDED: PayTokenExceeded,
    Denial.CHARGE_NOT_APPROVED: ChargeNotApproved,
    Denial.APPROVAL_EXCEEDED: ApprovalExceeded,
    Denial.HOLD_NOT_ACTIVE: HoldNotActive,
    Denial.HOLD_EXPIRED: HoldExpired,
    Denial.CAPTURE_EXCEEDS_HOLD: CaptureExceedsHold,
    Denial.HOLD_LIMIT_REACHED: HoldLimitReached,
    Denial.SPLITS_EXCEED_AMOUNT: SplitsExceedAmount,
    Denial.TOO_MANY_FAILED_ATTEMPTS: TooManyFailedAttempts,
}
