"""Importing customers from a file, a web address or S3."""
