"""Measuring a flow on examples, beside its baselines: see `graphdsl.evaluate`."""
