"""The HTTP API for programs: conventions in `api.http`, then a package for each audience."""
