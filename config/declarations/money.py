"""What holds for wallets and for movements of money."""

from decimal import Decimal

from config.declarations import kinds
from config.declarations.kinds import Group


class Rules(Group):
    heading = "Rules for money"

    max_wallets_by_client = kinds.whole(
        "WALLET_SERVICE_MAX_WALLETS_BY_CLIENT",
        0,
        least=0,
        help_text="A client may have this many cash wallets. 0 allows any number.",
    )
    charges = kinds.choice(
        "WALLET_SERVICE_CHARGES",
        "open",
        options=("open", "approved", "paytoken"),
        help_text=(
            "Who may charge a new wallet by its token. With open, every company that knows the"
            " token may; with approved, the companies that its owner approved; with paytoken,"
            " nobody. Owners change it for each wallet. Pay tokens and payment requests work with"
            " all three."
        ),
    )
    cash = kinds.choice(
        "WALLET_SERVICE_CASH",
        "owners",
        options=("owners", "operators"),
        help_text=(
            "Who deposits into wallets and withdraws from them. With owners, the owner of a wallet"
            " does, immediately, and the service trusts that the money changed hands. With"
            " operators, only operators do, for any owner's wallet: choose it where money is real."
        ),
    )
    adjustment_limit = kinds.amount(
        "WALLET_SERVICE_ADJUSTMENT_LIMIT",
        Decimal(1_000),
        help_text=(
            "What staff move above this amount needs a second one of the staff: adjustments in the"
            " admin, and what they move by the API. The amount is in major units of whichever asset"
            " is moved. The service adds what the same person moved alone in the 24 hours before,"
            " on all wallets of that asset. With 0, everything needs a second one. Platforms have"
            " no limit."
        ),
    )
    idempotency_days = kinds.whole(
        "WALLET_SERVICE_IDEMPOTENCY_DAYS",
        30,
        least=1,
        most=3_660,
        help_text=(
            "The service keeps an idempotency key and its answer for this many days, and a pay"
            " token for as long after it expired."
        ),
    )
