"""Media files: opened safely, and their exact facts."""

from hitpoint.media.open import open_media
from hitpoint.media.probe import probe

__all__ = ["open_media", "probe"]
