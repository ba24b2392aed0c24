"""The cash that every installation knows; the admin adds more assets."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from wallets.assets import system_wallet_id
from wallets.models import Purpose

CASH = (("USD", "US dollar", 2), ("EUR", "Euro", 2))


def create_cash_assets(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for symbol, name, decimals in CASH:
        asset = apps.get_model("wallets", "Asset").objects.create(
            symbol=symbol, name=name, decimals=decimals, is_cash=True
        )
        for purpose in Purpose.values:
            apps.get_model("wallets", "Wallet").objects.create(
                id=system_wallet_id(symbol, Purpose(purpose)), asset=asset, purpose=purpose
            )


class Migration(migrations.Migration):
    dependencies = (("wallets", "0001_initial"),)
    operations = (migrations.RunPython(create_cash_assets, migrations.RunPython.noop),)
