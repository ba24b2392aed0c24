"""A wallet as Django projects usually have it: the ORM, select_for_update, DRF's own tokens.

Not made for anything but a comparison. It has a database of its own on the same server, and is
served by the same gunicorn.
"""
