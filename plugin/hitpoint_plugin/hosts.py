"""Which editors the panel is connected to, and if not, why. Honest by construction: a reason is required."""

from __future__ import annotations

from dataclasses import dataclass

from hitpoint_plugin.connect.places import SCRIPTS, TITLES, HostName


@dataclass(frozen=True, slots=True)
class Host:
    """An editor. `reason` says why it is not connected and what works instead; empty if it is connected."""

    name: str
    reason: str

    @property
    def connected(self) -> bool:
        """Whether the panel talks to it now."""
        return not self.reason


def described(host: HostName, connected: str, *, installed: bool, problem: str) -> Host:
    """An editor by what is known: its name and version if it is connected, whether our script is installed,
    and why nobody can connect, if so."""
    title = TITLES[host]
    if connected:
        return Host(connected, "")
    if host not in SCRIPTS:
        where = "its folder is there" if installed else f"run: hitpoint hosts install {host}"
        return Host(title, f"it is served by files through a watched folder ({where}).")
    if not installed:
        return Host(title, f"its script is not installed. Run: hitpoint hosts install {host}")
    if host == "blender":
        return Host(title, "its add-on is installed and works in Blender by itself, without this window.")
    if problem:
        return Host(title, f"{problem}. Export the timeline as .otio and open it here.")
    free = "The free edition runs scripts up to 21.0 only; from 21.1 on export an .otio and open it here."
    return Host(title, f"its script is installed. Choose Workspace > Scripts > Hitpoint there. {free}")
