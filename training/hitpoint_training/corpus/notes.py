"""Notes and the parts that play them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Part = Literal["keys", "bass", "pad", "lead", "stab", "hit", "arp", "choir", "drums"]
PARTS: tuple[Part, ...] = ("keys", "bass", "pad", "lead", "stab", "hit", "arp", "choir", "drums")


@dataclass(frozen=True, slots=True)
class Note:
    """Seconds, a MIDI note number and a velocity (1 to 127)."""

    start: float
    duration: float
    pitch: int
    velocity: int
    part: Part

    @property
    def stop(self) -> float:
        """When the key is let go."""
        return self.start + self.duration
