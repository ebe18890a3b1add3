"""Between the panel and the editors that are connected: they hand over timelines, and lay down the music."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from hitpoint_plugin.connect.install import is_installed
from hitpoint_plugin.connect.listener import Listener, Message, Peer
from hitpoint_plugin.connect.places import TITLES, HostName, link_file
from hitpoint_plugin.hosts import Host, described
from hitpoint_plugin.model.placing import Placing
from hitpoint_plugin.model.store import Store
from hitpoint_plugin.tasks import Failure, Placed
from hitpoint_plugin.timers import timer

WAIT_MS = 10_000
"""So long an editor's question for work stays open; then it asks again, and sees that the panel is there."""
_COLOURS = {"movement": "Green", "cut": "Cyan", "user": "Fuchsia"}
"""Of markers, by Resolve's names."""
_SUFFIXES = (".otio", ".xml", ".fcpxml")


@dataclass(eq=False)
class Editor:
    """An editor that is connected, what it has to do, and what of ours lies on its timeline."""

    host: HostName
    name: str
    peer: Peer
    timeline: Path | None = None
    frames: tuple[int, ...] = ()  # where its selected clips start, counted from the start of the timeline
    waiting: bool = False
    todo: list[Message] = field(default_factory=list)
    doing: Message | None = None
    laid: list[Message] = field(default_factory=list)


class Bridge(QObject):
    """Answers the editors. What is placed on a timeline of theirs is laid down in the editor as well."""

    changed = pyqtSignal()
    opened = pyqtSignal(object)  # Path

    def __init__(self, folder: Path, store: Store, placing: Placing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder, self._store, self._placing = folder, store, placing
        self._editors: dict[Peer, Editor] = {}
        self._orders: list[tuple[Placed, Editor, Message]] = []
        self.listener = Listener(link_file(folder), self._handle, self)
        self.listener.left.connect(self._left)
        placing.placed.connect(self._placed)
        placing.unplaced.connect(self._unplaced)
        store.timeline_changed.connect(self._select)
        self._timer = timer(self, WAIT_MS, self._nothing_to_do)
        self._timer.start()

    def hosts(self) -> tuple[Host, ...]:
        """Every editor, connected or with the reason why not."""
        connected: dict[HostName, str] = {each.host: each.name for each in self._editors.values()}
        return tuple(
            described(
                host,
                connected.get(host, ""),
                installed=is_installed(host, self._folder),
                problem=self.listener.problem,
            )
            for host in TITLES
        )

    def close(self) -> None:
        """Say goodbye to all."""
        self._timer.stop()
        self.listener.close()

    def _handle(self, peer: Peer, message: Message) -> Message | None:
        editor = self._editors.get(peer)
        do = message.get("do")
        if do == "hello":
            return self._hello(peer, message)
        if editor is None:
            peer.refuse("Say hello first.")
        elif do == "open":
            self._open(editor, message)
        elif do == "wait":
            editor.waiting = True
            self._work(editor)
        elif do == "done":
            self._done(editor, message)
        else:
            peer.refuse("That cannot be done here.")
        return None

    def _hello(self, peer: Peer, message: Message) -> Message | None:
        host = next((name for name in TITLES if name == message.get("host")), None)
        if host is None:
            peer.refuse("There is no such editor.")
            return None
        words = [str(message.get(key, ""))[:80] for key in ("name", "version")]
        self._editors[peer] = Editor(host, " ".join(word for word in words if word) or TITLES[host], peer)
        self.changed.emit()
        return {}

    def _open(self, editor: Editor, message: Message) -> None:
        path, frames = _path(message.get("timeline")), message.get("frames", [])
        whole = isinstance(frames, list) and all(type(frame) is int for frame in frames)
        if path is None or not whole:
            editor.peer.refuse("Name a timeline file with its whole path, and frames.")
            return
        for other in list(self._editors.values()):
            if other is not editor and other.host == editor.host:
                other.peer.close()  # the script was started a second time
        editor.timeline, editor.frames = path, tuple(frames)
        editor.laid.clear()
        self.opened.emit(path)
        editor.peer.answer({})

    def _select(self) -> None:
        """Show the clip that is selected in the editor, once its timeline is open."""
        timeline = self._store.timeline
        for editor in self._editors.values():
            if timeline is None or editor.timeline != timeline.path or not editor.frames:
                continue
            wanted, editor.frames = set(editor.frames), ()
            chosen = [c for c in timeline.clips if round(c.record_start * timeline.rate) in wanted]
            if chosen:
                self._store.set_current(next((c for c in chosen if c.media is not None), chosen[0]).index)

    def _placed(self, placed: Placed) -> None:
        timeline = self._store.timeline
        mine = [e for e in self._editors.values() if timeline is not None and e.timeline == timeline.path]
        if not mine:
            return
        editor = mine[-1]
        order = order_for(placed, len(self._orders))
        under = [] if placed.kept else [each for each in editor.laid if _overlap(each, order)]
        order["replaces"] = [{key: each[key] for key in ("id", "wav", "frame")} for each in under]
        editor.laid = [each for each in editor.laid if each not in under] + [order]
        self._orders.append((placed, editor, order))
        self._add(editor, order)

    def _unplaced(self) -> None:
        """Take off what the panel no longer has, and lay down again what that had replaced."""
        gone = [each for each in self._orders if each[0] not in self._placing.history]
        self._orders = [each for each in self._orders if each not in gone]
        for _placed, editor, order in gone:
            if order not in editor.laid:
                continue  # it never got there, or was replaced
            editor.laid.remove(order)
            self._add(editor, order | {"do": "take_off"})
            replaced = [earlier["id"] for earlier in order["replaces"]]
            for _placed, _editor, earlier in self._orders:
                if earlier["id"] in replaced:
                    editor.laid.append(earlier)
                    self._add(editor, earlier | {"replaces": []})

    def _add(self, editor: Editor, order: Message) -> None:
        if editor.peer not in self._editors:
            todo = "Run Hitpoint from the editor's menu again, or import the placed file."
            self._store.fail(Failure(f"{editor.name} is no longer connected.", todo))
            return
        editor.todo.append(order)
        self._work(editor)

    def _work(self, editor: Editor) -> None:
        if editor.waiting and editor.todo:
            editor.waiting = False
            editor.doing = editor.todo.pop(0)
            editor.peer.answer({"order": editor.doing})

    def _nothing_to_do(self) -> None:
        for editor in self._editors.values():
            if editor.waiting:
                editor.waiting = False
                editor.peer.answer({"order": None})

    def _done(self, editor: Editor, message: Message) -> None:
        order, editor.doing = editor.doing, None
        if order is None or order["id"] != message.get("id"):
            editor.peer.refuse("That was not asked for.")
            return
        text = str(message.get("text", ""))[:2000]
        if message.get("done") is True:
            words = "Taken off in" if order["do"] == "take_off" else "Placed in"
            self._store.said.emit(f"{words} {editor.name}. {text}".strip())
        else:
            editor.laid = [each for each in editor.laid if each["id"] != order["id"]]
            self._store.fail(Failure(f"{editor.name}: {text}", "The file on the disk has the music."))
        editor.peer.answer({})

    def _left(self, peer: Peer) -> None:
        if self._editors.pop(peer, None) is not None:
            self.changed.emit()


def order_for(placed: Placed, number: int) -> Message:
    """What an editor has to do so that its timeline is like the file."""
    rate = placed.rate
    frame = math.floor(placed.record_start * rate)
    sound = Fraction(placed.asset.samples, placed.asset.sample_rate)
    return {
        "do": "place",
        "id": f"{placed.asset.sha256[:12]}-{number}",
        "wav": str(placed.asset.path),
        "frame": frame,
        "frames": max(1, math.ceil(sound * rate - rate / placed.asset.sample_rate)),
        "seconds": float(sound),
        "rate": [rate.numerator, rate.denominator],
        "markers": _markers(placed),
    }


def _markers(placed: Placed) -> list[list[Any]]:
    """One for each frame that has a hit point: frame, name, note, colour."""
    found: dict[int, list[Any]] = {}
    for hit in placed.hits:
        frame = math.floor((placed.record_start + Fraction(hit.time)) * placed.rate + Fraction(1, 1000))
        landed = "no accent" if hit.error_ms is None else f"{hit.error_ms:+.0f} ms"
        name = f"{hit.kind} {hit.strength:.2f}"
        found.setdefault(frame, [frame, name, landed, _COLOURS.get(hit.kind, "Green")])
    return [found[frame] for frame in sorted(found)]


def _overlap(one: Message, other: Message) -> bool:
    return bool(
        one["frame"] < other["frame"] + other["frames"] and other["frame"] < one["frame"] + one["frames"]
    )


def _path(text: object) -> Path | None:
    """A timeline's path as an editor names it. What is in the file is for the guarded reader to judge."""
    if not isinstance(text, str) or "\0" in text:
        return None
    path = Path(text)
    return path if path.is_absolute() and path.suffix.lower() in _SUFFIXES and path.is_file() else None
