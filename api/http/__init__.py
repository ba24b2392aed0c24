"""What holds for every call of the API, whatever it is about."""
