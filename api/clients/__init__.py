"""The Postman collection and the Python client, generated from the OpenAPI document."""
