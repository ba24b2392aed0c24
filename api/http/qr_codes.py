"""QR codes as pictures in an answer."""

import segno

#: Modules around the code, as the standard asks, and pixels of a module.
_QUIET_ZONE = 4
_SCALE = 4


def qr_code(text: str) -> str:
    """Return the QR code of a text as a `data:` URI of an SVG, always dark on white."""
    code = segno.make(text, micro=False, error="m", boost_error=False)
    return code.svg_data_uri(border=_QUIET_ZONE, scale=_SCALE, light="#fff", omitsize=False)
