"""How long the panel's tests wait for a worker."""

PATIENCE_MS = 240_000
"""A worker must import the engine, on a machine that may be busy with other things."""
