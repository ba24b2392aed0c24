"""`/client`, `/company`, `/password` and `/customer`: who people are."""
