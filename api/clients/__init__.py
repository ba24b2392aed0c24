"""Clients: what is generated from the OpenAPI document for those who call the service."""
