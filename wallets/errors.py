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
