"""What the OpenAPI document says beside its calls, and the pages that show it."""
