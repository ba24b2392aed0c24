"""A Postman collection (format 2.1): a story that runs from top to bottom and tests itself."""
