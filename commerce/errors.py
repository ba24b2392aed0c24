"""What movements of a platform's credits refuse."""

from core.errors import RuleBroken


class UnknownUser(RuleBroken):
    # Found before the money's transaction decides anything: the key stays free.
    recorded = False
    code = "unknown_user"
    message = "There is no such user."


class UnknownAsset(RuleBroken):
    recorded = False
    code = "unknown_asset"
    message = "There is no such asset."
