"""`/client`, `/company`, `/password` and `/customer`: accounts, sessions and customers."""
