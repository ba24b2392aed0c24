"""QR codes as pictures in an answer."""

import segno

#: Modules around the code, as the standard asks, and pixels of a module.
_QUIET_ZONE = 4
_SCALE = 4
#: Every one can be read. The best one is found by drawing all eight, which takes twice as long.
_MASK = 2


def qr_code(text: str) -> str:
    """Return the QR code of a text as a `data:` URI of an SVG, always dark on white."""
    code = segno.make(text, micro=False, error="m", boost_error=False, mask=_MASK)
    return code.svg_data_uri(border=_QUIET_ZONE, scale=_SCALE, light="#fff", omitsize=False)
