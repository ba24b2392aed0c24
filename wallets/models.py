"""Assets and wallets.

- Asset: what is counted (USD, GOLD …), with a number of decimals that never changes.
- Wallet: an owner's balance of one asset; its id is its token.
- System wallet: the counterparty of deposits, withdrawals and credits, one per asset and purpose.
  It is never locked and stores no balance: its balance is derived from the ledger.
- Approval: a company that the owner of a wallet lets charge it by its token.
- Pay token: what an owner shows instead of the wallet's token, good for some uses and some time.
- Fee: what a company pays the platform for each charge.

Only `ledger.post` writes balances, what is held and versions: the app's database role may not. The
same function counts the uses of pay tokens.
"""

import re
import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper

from accounts.models import Role


class Purpose(models.TextChoices):
    """What a system wallet is for."""

    FUNDING = "funding", "Funding: deposits, withdrawals, top-ups"
    PROMOTIONS = "promotions", "Promotions: bonuses"
    REVENUE = "revenue", "Revenue: spends"
    FEES = "fees", "Fees: what companies pay for their charges"


def purpose_choices() -> list[tuple[str, str]]:
    """Return the choices of a model's field: by name, so that a new purpose needs no migration."""
    return Purpose.choices


class Status(models.TextChoices):
    ACTIVE = "active"
    FROZEN = "frozen"
    CLOSED = "closed"


class ChargePolicy(models.TextChoices):
    """Which companies may charge a wallet by its token."""

    OPEN = "open", "Open: every company that knows the token"
    APPROVED = "approved", "Approved: companies that the owner approved"
    PAYTOKEN = "paytoken", "Pay token: none"


LABEL_CHARACTERS = 60


class HeldField(models.BigIntegerField):  # type: ignore[type-arg]  # takes none at run time
    """What is held of a balance at the moment of reading, in minor units.

    A hold ends at its time, whether or not its release has been written yet. So the column is read
    through the database's `held_now`, by whatever query.
    """

    _COLUMN = re.compile(r'(?P<table>"[^"]+"\.)"held_minor"')

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        column = self._COLUMN.fullmatch(sql)
        if column is None:  # a sum, say
            return sql, params
        table = column["table"]
        return f'held_now({table}"id", {sql}, {table}"next_expiry")', params


class Asset(models.Model):
    """What is counted. Its symbol is its key everywhere; create it with `create_asset`."""

    symbol = models.CharField(max_length=12, primary_key=True)
    name = models.CharField(max_length=60)
    decimals = models.PositiveSmallIntegerField(
        help_text="Digits after the point; they never change."
    )
    is_cash = models.BooleanField(help_text="Whether people may deposit and withdraw it.")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(decimals__lte=8), name="decimals_at_most_8"),
            models.CheckConstraint(condition=Q(symbol=Upper("symbol")), name="symbol_upper_case"),
        )

    def __str__(self) -> str:
        return self.symbol


class Wallet(models.Model):
    """An owner's balance of one asset, in minor units.

    It has two names. Who knows its `id`, the token, may charge it as `charges` says. Its `address`
    can only be paid into, and is what strangers are shown.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    address = models.UUIDField(unique=True, db_default=RandomUUID(), editable=False)
    asset = models.ForeignKey(
        Asset,
        on_delete=models.PROTECT,
        db_constraint=False,  # triggers check it: see sql/constraints.sql
        db_index=False,
        related_name="+",
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,  # one foreign key on owner and role: see sql/constraints.sql
        db_index=False,  # the unique constraint on owner and slot begins with it
        related_name="wallets",
        help_text="None: a system wallet.",
    )
    owner_role = models.CharField(max_length=8, choices=Role, null=True)
    slot = models.PositiveIntegerField(
        null=True, help_text="Which of its owner's cash wallets this is, counted from 1."
    )
    purpose = models.CharField(max_length=10, choices=purpose_choices, null=True)
    status = models.CharField(max_length=6, choices=Status, default=Status.ACTIVE)
    charges = models.CharField(max_length=8, choices=ChargePolicy, db_default=ChargePolicy.OPEN)
    label = models.CharField(
        max_length=LABEL_CHARACTERS, db_default="", help_text="The owner's own name for it."
    )
    balance_minor = models.BigIntegerField(null=True)
    held_minor = HeldField(default=0, help_text="The part of the balance that is held.")
    next_expiry = models.DateTimeField(null=True, help_text="When the first of its holds expires.")
    has_fee = models.BooleanField(
        default=False, db_default=False, help_text="Whether its company pays a fee for charges."
    )
    version = models.BigIntegerField(default=0, help_text="How many completed entries it has.")
    # By the database's clock, which all hosts share: an owner's oldest wallet is the default one.
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="either_owned_or_system",
                condition=Q(
                    owner__isnull=False,
                    owner_role__isnull=False,
                    purpose__isnull=True,
                    balance_minor__isnull=False,
                )
                | Q(
                    owner__isnull=True,
                    owner_role__isnull=True,
                    slot__isnull=True,
                    purpose__isnull=False,
                    balance_minor__isnull=True,
                    held_minor=0,
                    version=0,
                    status=Status.ACTIVE,
                ),
            ),
            models.CheckConstraint(
                name="held_within_balance",
                condition=Q(held_minor__gte=0)
                & (Q(balance_minor__isnull=True) | Q(balance_minor__gte=F("held_minor"))),
            ),
            models.CheckConstraint(name="version_not_negative", condition=Q(version__gte=0)),
            models.CheckConstraint(
                name="balance_needs_entry",
                condition=Q(version__gt=0) | Q(balance_minor=0) | Q(balance_minor__isnull=True),
            ),
            models.CheckConstraint(name="status_is_known", condition=Q(status__in=Status.values)),
            models.CheckConstraint(
                name="charges_is_known", condition=Q(charges__in=ChargePolicy.values)
            ),
            # Two concurrent creations take the same slot, and the second one violates this.
            models.UniqueConstraint(fields=["owner", "slot"], name="one_cash_wallet_per_slot"),
            models.CheckConstraint(
                name="one_wallet_per_company",
                condition=~Q(owner_role=Role.COMPANY) | Q(slot__isnull=True) | Q(slot=1),
            ),
            models.UniqueConstraint(
                fields=["asset", "purpose"],
                name="one_system_wallet_per_purpose",
                condition=Q(purpose__isnull=False),
            ),
        )
        # No index on the asset: nearly all wallets hold the same one, and without fresh statistics
        # PostgreSQL would use it to find an owner's wallet. The index on owner and slot finds it.

    def __str__(self) -> str:
        return str(self.id)

    @property
    def available_minor(self) -> int:
        """The amount that can be spent: the balance less the held amount. 0 for a system wallet."""
        return (self.balance_minor or 0) - int(self.held_minor)


class StatusChange(models.Model):
    """A change of a wallet's status (frozen, active, closed), by whom and why; append-only."""

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="status_changes")
    status = models.CharField(max_length=6, choices=Status)
    reason = models.CharField(max_length=500)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.wallet_id} {self.status}"


class Approval(models.Model):
    """A company that may charge a wallet by its token, where the wallet is `approved`.

    One that was replaced, revoked or whose side left has `ended_at` and stays for support.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False, related_name="+")
    company = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_index=False, related_name="+"
    )
    max_amount_minor = models.BigIntegerField(null=True, help_text="Of one charge.")
    max_per_day_minor = models.BigIntegerField(null=True, help_text="In any 24 hours.")
    expires_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["wallet", "company"],
                name="one_approval_per_company",
                condition=Q(ended_at__isnull=True),
            ),
            models.CheckConstraint(
                name="approved_amounts_positive",
                condition=(Q(max_amount_minor__isnull=True) | Q(max_amount_minor__gt=0))
                & (Q(max_per_day_minor__isnull=True) | Q(max_per_day_minor__gt=0)),
            ),
        )
        indexes = (
            models.Index(fields=["wallet", "created_at"], name="approvals_of_wallet"),
            models.Index(fields=["company", "created_at"], name="approvals_of_company"),
        )

    def __str__(self) -> str:
        return str(self.id)


MAX_USES = 100


class PayToken(models.Model):
    """What a payer shows: good for one wallet, a number of uses and a time.

    Its text is derived from `id`, `salt` and the secret key, and never stored: a company's call is
    found by `digest`, the SHA-256 of that text.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_index=False, related_name="+")
    company = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        db_index=False,
        related_name="+",
        help_text="The only company that may use it. None: any.",
    )
    max_amount_minor = models.BigIntegerField(null=True, help_text="Of one use.")
    uses = models.PositiveSmallIntegerField(help_text="How many it was made for.")
    uses_left = models.PositiveSmallIntegerField()
    salt = models.BinaryField(max_length=16)
    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="uses_left_within_uses",
                condition=Q(uses_left__gte=0)
                & Q(uses_left__lte=F("uses"))
                & Q(uses__gte=1)
                & Q(uses__lte=MAX_USES),
            ),
            models.CheckConstraint(
                name="paytoken_amount_positive",
                condition=Q(max_amount_minor__isnull=True) | Q(max_amount_minor__gt=0),
            ),
        )
        indexes = (
            models.Index(fields=["wallet", "created_at"], name="paytokens_of_wallet"),
            models.Index(fields=["expires_at"], name="paytokens_by_expiry"),
        )

    def __str__(self) -> str:
        return str(self.id)


class Fee(models.Model):
    """What a company pays the platform for each charge, capture and paid request into its wallet.

    It is `percent` of the amount and `fixed_minor`, at least `min_minor` and at most `max_minor`,
    rounded half up to the minor unit, and never more than the amount.
    """

    wallet = models.OneToOneField(
        Wallet, on_delete=models.PROTECT, primary_key=True, related_name="+"
    )
    percent = models.DecimalField(max_digits=7, decimal_places=4, default=0)
    fixed_minor = models.BigIntegerField(default=0)
    min_minor = models.BigIntegerField(null=True)
    max_minor = models.BigIntegerField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="fee_percent_in_range", condition=Q(percent__gte=0) & Q(percent__lte=100)
            ),
            models.CheckConstraint(
                name="fee_amounts_in_order",
                condition=Q(fixed_minor__gte=0)
                & (Q(min_minor__isnull=True) | Q(min_minor__gte=0))
                & (Q(max_minor__isnull=True) | Q(max_minor__gte=0))
                & (
                    Q(min_minor__isnull=True)
                    | Q(max_minor__isnull=True)
                    | Q(min_minor__lte=F("max_minor"))
                ),
            ),
        )

    def __str__(self) -> str:
        return str(self.wallet_id)
