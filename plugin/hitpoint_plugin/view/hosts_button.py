"""A dot for every editor: connected, or why not."""

from __future__ import annotations

from PyQt6.QtWidgets import QMenu, QMessageBox, QToolButton

from hitpoint_plugin.connect.bridge import Bridge
from hitpoint_plugin.hosts import Host


class HostsButton(QToolButton):
    """Opens the list of editors; a click on one says more."""

    def __init__(self, bridge: Bridge) -> None:
        super().__init__()
        self._bridge = bridge
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)
        self._menu.aboutToShow.connect(self._fill)
        self.setObjectName("plain")
        self.setToolTip("Editors, and why they are not connected")
        self.setMenu(self._menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        bridge.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        connected = [host.name for host in self._bridge.hosts() if host.connected]
        self.setText(f"● {', '.join(connected)}" if connected else "○ No editor connected")
        self.setAccessibleName(self.text())

    def _fill(self) -> None:
        """Anew each time: a script may have been installed meanwhile."""
        self._menu.clear()
        for host in self._bridge.hosts():
            state = "connected" if host.connected else "not connected"
            action = self._menu.addAction(f"{'●' if host.connected else '○'} {host.name}: {state}")
            if action is not None:
                action.setToolTip(host.reason)
                action.triggered.connect(lambda _on=False, chosen=host: self._explain(chosen))

    def _explain(self, host: Host) -> None:
        box = QMessageBox(self.window())
        box.setWindowTitle(host.name)
        box.setText(
            f"{host.name} is not connected: {host.reason}" if host.reason else f"{host.name} is connected."
        )
        box.open()
