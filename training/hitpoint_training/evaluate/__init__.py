"""Figures about music and its hits: pure functions, and a command that prints them beside controls."""
