"""What the service does per second: run by hand, on a quiet machine. See `bench.machine`."""
