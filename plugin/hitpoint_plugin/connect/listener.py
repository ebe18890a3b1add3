"""The panel's ear for editors: a port on this machine, one line of JSON each way, one request at a time.

Port and token are in a file that only the user can read; whoever knows the token may ask for what the user
could do anyway. Everybody else is a stranger: lines are bounded, answers are waited for in bounded time, and
nobody can keep the panel busy.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtNetwork import QHostAddress, QTcpServer, QTcpSocket

from hitpoint_plugin.timers import timer

Message: TypeAlias = dict[str, Any]
Handler: TypeAlias = "Callable[[Peer, Message], Message | None]"
"""Answers a request; None: later, by `Peer.answer`."""

LONGEST = 256 * 1024
"""Bytes of a request."""
FIRST_MS = 5_000
"""A request must be whole, and the first one there, within this time."""
SILENT_MS = 15 * 60_000
"""An editor that says nothing for so long is gone; laying a long film down may take minutes."""
MOST = 8
"""Connections at a time."""


class Peer(QObject):
    """One connection. What it sends is read only as far as the bound, and not before the last answer."""

    gone = pyqtSignal()

    def __init__(self, socket: QTcpSocket, token: str, handle: Handler, parent: QObject) -> None:
        super().__init__(parent)
        self._socket, self._token, self._handle = socket, token.encode("ascii"), handle
        self._owed = self._known = False
        socket.setParent(self)
        socket.setReadBufferSize(LONGEST + 1)
        socket.readyRead.connect(self._read)
        socket.disconnected.connect(self.gone)
        self._next = timer(self, 0, self._read, once=True)
        self._patience = timer(self, FIRST_MS, lambda: self._refuse("That took too long."), once=True)
        self._patience.start()

    def answer(self, message: Message) -> None:
        """Send the answer that is owed."""
        if not self._owed:
            return
        self._owed = False
        self._send({"ok": True} | message)
        self._patience.start(SILENT_MS)
        self._next.start()  # not at once: a stranger to patience would have us call ourselves without end

    def close(self) -> None:
        """End it."""
        self._patience.stop()
        self._socket.disconnectFromHost()

    def _read(self) -> None:
        if self._owed or self._socket.state() != QTcpSocket.SocketState.ConnectedState:
            return
        if not self._socket.canReadLine():
            if self._socket.bytesAvailable() > LONGEST:
                self._refuse("That is too long.")
            elif self._known and self._socket.bytesAvailable() and self._patience.interval() != FIRST_MS:
                self._patience.start(FIRST_MS)  # a line that was begun must end soon
            return
        line = bytes(self._socket.readLine(LONGEST + 1))
        message = _parsed(line)
        if message is None:
            self._refuse("That is no request.")
        elif not _same(message.pop("token", None), self._token):
            self._refuse("The token is wrong.")
        else:
            self._known = self._owed = True
            self._patience.stop()
            found = self._handle(self, message)
            if found is not None:
                self.answer(found)

    def refuse(self, why: str) -> None:
        """Answer that the request cannot be done; the connection stays."""
        if self._owed:
            self._owed = False
            self._send({"ok": False, "error": why})
            self._patience.start(SILENT_MS)
            self._next.start()

    def _refuse(self, why: str) -> None:
        """End it, with a word why."""
        self._send({"ok": False, "error": why})
        self.close()

    def _send(self, message: Message) -> None:
        self._socket.write(json.dumps(message).encode("utf-8") + b"\n")


class Listener(QObject):
    """Listens on 127.0.0.1 at a free port, and writes into `link` how it is reached."""

    left = pyqtSignal(object)  # Peer

    def __init__(self, link: Path, handle: Handler, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problem = ""
        """Why nobody can connect; empty if it listens."""
        self.token = secrets.token_hex(32)
        self._link, self._handle = link, handle
        self._peers: list[Peer] = []
        self._server = QTcpServer(self)
        self._server.newConnection.connect(self._accept)
        if not self._server.listen(QHostAddress(QHostAddress.SpecialAddress.LocalHost), 0):
            self.problem = f"no port can be opened on this machine: {self._server.errorString()}"
            return
        try:
            _write_private(link, json.dumps({"port": self.port, "token": self.token, "pid": os.getpid()}))
        except OSError as error:
            self._server.close()
            self.problem = f"{link} cannot be written: {error.strerror or error}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.serverPort())

    @property
    def peers(self) -> int:
        """How many are connected."""
        return len(self._peers)

    def close(self) -> None:
        """End all connections, and take the file away if it is still of this panel."""
        self._server.close()
        for peer in list(self._peers):
            peer.close()
        with suppress(OSError, ValueError):
            if json.loads(self._link.read_text(encoding="utf-8")).get("token") == self.token:
                self._link.unlink()

    def _accept(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            if len(self._peers) >= MOST:
                socket.abort()
                socket.deleteLater()
                continue
            peer = Peer(socket, self.token, self._handle, self)
            self._peers.append(peer)
            peer.gone.connect(lambda peer=peer: self._forget(peer))

    def _forget(self, peer: Peer) -> None:
        if peer in self._peers:
            self._peers.remove(peer)
            self.left.emit(peer)
            peer.deleteLater()


def _parsed(line: bytes) -> Message | None:
    try:
        found = json.loads(line.decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _same(token: object, expected: bytes) -> bool:
    """Compared in constant time, so that no answer's delay says how much was right."""
    return isinstance(token, str) and hmac.compare_digest(token.encode("utf-8", "replace"), expected)


def _write_private(path: Path, text: str) -> None:
    """Write a file that is the user's alone from its first moment, and put it in place whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temp = path.with_name(f".{path.name}-{os.getpid()}-{secrets.token_hex(4)}")
    handle = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        temp.replace(path)
    finally:
        temp.unlink(missing_ok=True)
