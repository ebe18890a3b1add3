"""Composed and rendered music with exact annotations."""
