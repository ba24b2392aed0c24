"""Examples and refusals for the schema that several audiences share."""

from decimal import Decimal

from commerce.cash import CashByOperators
from commerce.staff_limit import ApprovalNeeded
from core.errors import InvalidInput, PermissionDenied
from core.money import AmountNotPositive
from ledger.errors import BalanceLimit, InsufficientFunds, TooManyFailedAttempts, WalletNotActive
from wallets.errors import (
    ApprovalExceeded,
    ChargeNotApproved,
    CurrencyMismatch,
    NotCash,
    NoWallet,
    PayTokenExceeded,
    PayTokenExpired,
    PayTokenNotFound,
    PayTokenOtherCompany,
    PayTokenUsed,
    SameWallet,
    WalletNotFound,
)

WALLET = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"
OTHER_WALLET = "4d2f7c61-1f0f-4c7e-8a53-8b7e5f6a2c22"
ADDRESS = "7c1e9a02-5b3d-4e8f-a6c1-2d9b0f7e3d33"
OTHER_ADDRESS = "e2b5c7d8-90a1-4b6c-8d2e-f31a5c7b9e44"
COMPANY = "91d0c3b2-6a5f-4c7e-b8d9-0e1f2a3b4c55"
APPROVAL = "5f6e7d8c-9b0a-4123-8456-789abcdef012"
A_PAYTOKEN = "pt_2Xk0Jp6u7fY0sVq1mZr8tA9bC3dE4gH5iK6lN7oP8wQ"
PAYMENT_REQUEST = "c4b3a291-8f7e-4d6c-a5b4-938271605f66"
HOLD = "d8e7f6a5-b4c3-4d2e-9f10-2b3c4d5e6f77"
GROUP = "a7b6c5d4-e3f2-4011-8a9b-0c1d2e3f4a88"
TRANSACTION = "019a2b3c-4d5e-7f60-8a91-b2c3d4e5f607"

SHORT = InsufficientFunds(available=Decimal("12.50"), shortfall=Decimal("7.50"))
APPROVAL_NEEDED = ApprovalNeeded(limit=Decimal("1000.00"), left=Decimal("250.00"))
BAD_AMOUNT = InvalidInput({"amount": ["At most 2 decimals."]})

REFUSED_BY_POST = (WalletNotActive, BalanceLimit)
#: Where money moves between two accounts.
REFUSED_BETWEEN_TWO = (*REFUSED_BY_POST, TooManyFailedAttempts(retry_after_seconds=1_200))
#: What a charge refuses, and a hold.
REFUSED_CHARGE = (
    BAD_AMOUNT,
    AmountNotPositive,
    InsufficientFunds,
    SameWallet,
    CurrencyMismatch,
    PermissionDenied,
    ChargeNotApproved,
    ApprovalExceeded,
    WalletNotFound,
    NoWallet,
    PayTokenNotFound,
    PayTokenOtherCompany,
    PayTokenExpired,
    PayTokenUsed,
    PayTokenExceeded(max_amount=Decimal("10.00")),
    *REFUSED_BETWEEN_TWO,
)
#: What the flows refuse, whatever the audience.
REFUSED_DEPOSIT = (
    BAD_AMOUNT,
    AmountNotPositive,
    CashByOperators,
    APPROVAL_NEEDED,
    NotCash,
    WalletNotFound,
    *REFUSED_BY_POST,
)
REFUSED_WITHDRAWAL = (
    BAD_AMOUNT,
    AmountNotPositive,
    SHORT,
    CashByOperators,
    APPROVAL_NEEDED,
    NotCash,
    WalletNotFound,
    *REFUSED_BY_POST,
)
REFUSED_TRANSFER = (
    BAD_AMOUNT,
    AmountNotPositive,
    SHORT,
    SameWallet,
    CurrencyMismatch,
    PermissionDenied,
    WalletNotFound,
    *REFUSED_BETWEEN_TWO,
)
