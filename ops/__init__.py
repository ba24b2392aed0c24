"""Running the service and watching it."""
