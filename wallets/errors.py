"""The refusals of wallets."""

from core.errors import NotFound, PermissionDenied, RuleBroken, StateConflict


class WalletNotFound(NotFound):
    """The wallet does not exist or belongs to another owner: the same answer on purpose."""

    message = "There is no such wallet."


class WalletLimitReached(StateConflict):
    code = "wallet_limit_reached"
    message = "This account has as many wallets as it may have."


class NoWallet(StateConflict):
    code = "no_wallet"
    message = "This account has no wallet yet: create one first."


class NotCash(PermissionDenied):
    message = "Only operators put credits into wallets; people deposit and withdraw cash."


class CurrencyMismatch(RuleBroken):
    code = "currency_mismatch"
    message = "The two wallets hold different currencies."


class SameWallet(RuleBroken):
    code = "same_wallet"
    message = "Source and target are the same wallet."


class WalletClosed(StateConflict):
    code = "wallet_closed"
    message = "The wallet is closed, for good."


class BalanceNotZero(StateConflict):
    code = "balance_not_zero"
    message = "The wallet still holds money."


class HoldsActive(StateConflict):
    code = "holds_active"
    message = "Money is held of the wallet, or for it: its holds have to end first."


class ApprovalNotFound(NotFound):
    message = "There is no such approval."


class ChargeNotApproved(PermissionDenied):
    code = "charge_not_approved"
    message = "The wallet's owner does not let this company charge it by its token."


class ApprovalExceeded(PermissionDenied):
    code = "approval_exceeded"
    message = "The charge is above what the wallet's owner approved for this company."


class PayTokenNotFound(NotFound):
    """It was never made, or it was revoked."""

    message = "There is no such pay token."


class PayTokenOtherCompany(PermissionDenied):
    code = "paytoken_other_company"
    message = "This pay token is for another company."


class PayTokenExpired(StateConflict):
    code = "paytoken_expired"
    message = "The pay token has expired: ask for a new one."


class PayTokenUsed(StateConflict):
    code = "paytoken_used"
    message = "The pay token has been used: ask for a new one."


class PayTokenExceeded(RuleBroken):
    """`details.max_amount` is the most that one use allows."""

    code = "paytoken_exceeded"
    message = "The charge is above what the pay token allows."


class PayTokenLimitReached(StateConflict):
    code = "paytoken_limit_reached"
    message = "This account has as many usable pay tokens as it may have: revoke one first."
