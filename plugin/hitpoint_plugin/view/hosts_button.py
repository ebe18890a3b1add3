"""A dot for every editor: connected, or why not."""

from __future__ import annotations

from PyQt6.QtWidgets import QMenu, QMessageBox, QToolButton

from hitpoint_plugin.hosts import Host, hosts


class HostsButton(QToolButton):
    """Opens the list of editors; a click on one says more."""

    def __init__(self) -> None:
        super().__init__()
        connected = [host.name for host in hosts() if host.connected]
        self.setObjectName("plain")
        self.setText(f"● {', '.join(connected)}" if connected else "○ No editor connected")
        self.setAccessibleName(self.text())
        self.setToolTip("Editors, and why they are not connected")
        menu = QMenu(self)
        for host in hosts():
            state = "connected" if host.connected else "not connected"
            action = menu.addAction(f"{'●' if host.connected else '○'} {host.name}: {state}")
            if action is not None:
                action.setToolTip(host.reason)
                action.triggered.connect(lambda _on=False, chosen=host: self._explain(chosen))
        menu.setToolTipsVisible(True)
        self.setMenu(menu)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)

    def _explain(self, host: Host) -> None:
        box = QMessageBox(self.window())
        box.setWindowTitle(host.name)
        box.setText(
            f"{host.name} is not connected: {host.reason}" if host.reason else f"{host.name} is connected."
        )
        box.open()
