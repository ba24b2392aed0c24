"""`make bench` and `make bench-growth`: what the service does a second, on a quiet machine."""
