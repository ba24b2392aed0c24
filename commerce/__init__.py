"""Why money moves: one module for each flow."""
