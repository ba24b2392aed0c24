"""What an invalid request gets, and the ids that its bodies name."""

INVALID, MALFORMED, NOT_FOUND = (
    (422, "validation_error"),
    (400, "malformed_json"),
    (404, "not_found"),
)
NOT_POSITIVE, FORBIDDEN = (400, "amount_not_positive"), (403, "permission_denied")
UNKNOWN_USER, UNKNOWN_ASSET = (400, "unknown_user"), (400, "unknown_asset")
INVALID_CREDENTIALS, INVALID_TOKEN = (401, "invalid_credentials"), (401, "invalid_token")
MEDIA_TYPE = (415, "unsupported_media_type")
SAME_WALLET, CURRENCY_MISMATCH = (400, "same_wallet"), (400, "currency_mismatch")
HOLDS_ACTIVE = (409, "holds_active")
OTHER_COMPANY, EXCEEDED = (403, "paytoken_other_company"), (400, "paytoken_exceeded")
NOT_APPROVED = (403, "charge_not_approved")
TOO_MUCH_SPLIT, TOO_MUCH_CAPTURED = (400, "splits_exceed_amount"), (400, "capture_exceeds_hold")
HOLD_ENDED = (409, "hold_not_active")

UNKNOWN_ID = "0b8e3d56-7d0f-4b56-9f6a-5f0f4f4a8f11"
WALLET, OTHER, GOLD, USER = "{wallet}", "{other}", "{gold}", "{client}"
CHARGE = {"wallet": WALLET, "amount": 1, "summary": "x"}
