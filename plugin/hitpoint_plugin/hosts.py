"""Which editors the panel is connected to, and if not, why. Honest by construction: a reason is required."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Host:
    """An editor. `reason` says why it is not connected and what works instead; empty if it is connected."""

    name: str
    reason: str

    @property
    def connected(self) -> bool:
        """Whether the panel talks to it now."""
        return not self.reason


def hosts() -> tuple[Host, ...]:
    """All editors that Hitpoint means to work beside. No connector is part of this version."""
    files = "export the timeline as OpenTimelineIO (.otio), open it here, and import the placed one"
    return (
        Host("DaVinci Resolve", f"there is no connector in this version; {files}."),
        Host(
            "Blender",
            "there is no connector in this version; open the video here, and add the WAV as a sound strip.",
        ),
        Host("Premiere Pro", f"it is served by files; {files}."),
        Host("Kdenlive", f"it is served by files (OpenTimelineIO from 25.04 on); {files}."),
    )
