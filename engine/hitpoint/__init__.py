"""Hitpoint: watch the movement in a clip, make music that lands on it, lay it on the timeline."""

__version__ = "0.1.0"
