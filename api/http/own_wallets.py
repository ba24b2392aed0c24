"""The caller's own wallet, read in one trip with the caller's token."""

from uuid import UUID

from rest_framework.request import Request

from api.http.authentication import caller_of
from api.http.token_cache import mark_verified, unverified_digest, verify_token
from wallets.models import Wallet
from wallets.selectors import own_wallet, own_wallet_by_token


def own_wallet_of(request: Request, wallet_id: UUID) -> Wallet:
    """Return a wallet of the caller's and verify the token. For views with cached callers.

    Raises `InvalidToken`, and `WalletNotFound`, for another's wallet too.
    """
    digest = unverified_digest(request)
    if digest is not None:
        wallet = own_wallet_by_token(caller_of(request).pk, wallet_id, digest)
        if wallet is not None:
            mark_verified(request)
            return wallet
        verify_token(request)
    return own_wallet(caller_of(request), wallet_id)
