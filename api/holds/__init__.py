"""Holds: money of a payer's that a company sets aside, and takes later."""
