"""Every setting that an operator may change, each declared once, in groups by noun."""
