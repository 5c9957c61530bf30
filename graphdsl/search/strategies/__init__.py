"""Strategies: what to try next. One file each; the table of their names is in `table`."""
