"""Times as the logs and the API have them: to the second, with their zone."""

DATETIME_FORMAT = "Y-m-d H:i:s e"
