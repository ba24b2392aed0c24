"""Accounts: users, profiles, tokens, sign-up, log-in and passwords."""
