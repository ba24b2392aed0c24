"""A wallet as Django projects usually have it: the ORM, select_for_update, DRF's own tokens.

It exists for the comparison only. It has a database of its own on the same server, and gunicorn
serves it with the same configuration.
"""
