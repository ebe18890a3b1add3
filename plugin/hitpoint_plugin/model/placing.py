"""Laying a take on the timeline, taking it off again, and writing it to other files."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtCore import QObject, pyqtSignal

from hitpoint_plugin.lane import Lane
from hitpoint_plugin.model.store import Store
from hitpoint_plugin.tasks import (
    Conflicts,
    Export,
    Failure,
    FindConflicts,
    Place,
    Placed,
    Take,
    Unplace,
    Watched,
)
from hitpoint_plugin.tasks.files import ExportKind

EXPORTS: dict[ExportKind, tuple[str, str]] = {
    "wav": ("Sound (WAV)…", "{}.wav"),
    "report": ("Hit report (JSON)…", "{}-hits.json"),
    "tempo": ("Tempo map (MIDI)…", "{}-tempo.mid"),
    "markers": ("Markers (EDL)…", "{}-markers.edl"),
}
BESIDE = (".xml", ".fcpxml", ".mlt", ".kdenlive")
"""Formats of other programs in which the music is laid on a copy of the timeline."""


class Placing(QObject):
    """Asks before it replaces: `asked` carries the conflicts, `place` is the answer "replace" or, with
    `keep`, "on a new track"; "skip" is no answer at all."""

    asked = pyqtSignal(object, object)  # Path, Conflicts
    placed = pyqtSignal(object)  # Placed
    unplaced = pyqtSignal()

    def __init__(self, store: Store, lane: Lane, attic: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.history: list[Placed] = []
        self._store, self._lane, self._attic = store, lane, attic

    def suggested(self) -> Path | None:
        """Where the music would go: on an .otio itself; for another program's file on one beside it, in its
        format where that keeps a mark of ours, so that the music can be found and taken off again."""
        timeline = self._store.timeline
        if timeline is None:
            return None
        ending = timeline.path.suffix.lower()
        if ending == ".otio":
            return timeline.path
        kept = timeline.path.suffix if ending in BESIDE else ".otio"
        return timeline.path.with_name(f"{timeline.path.stem}-hitpoint{kept}")

    def request(self, out: Path) -> None:
        """Place the chosen take on `out`, or ask first if music of ours lies there."""
        chosen = self._chosen()
        if chosen is None:
            return

        def looked(conflicts: Conflicts) -> None:
            if conflicts.ranges:
                self.asked.emit(out, conflicts)
            else:
                self.place(out)

        self._lane.submit(FindConflicts(chosen[0], out), looked, self._store.fail)

    def place(self, out: Path, *, keep: bool = False) -> None:
        """Place the chosen take; what of ours lies under it is replaced, or stays on its own track."""
        chosen = self._chosen()
        if chosen is not None:
            self._lane.submit(Place(*chosen, out, self._attic, keep), self._placed, self._store.fail)

    def undo(self) -> None:
        """Take the last placement off again."""
        if not self.history:
            return
        placed = self.history.pop()

        def gone(sentence: str) -> None:
            self.unplaced.emit()
            self._store.said.emit(sentence)

        self._lane.submit(Unplace(placed), gone, self._store.fail)

    def export(self, kind: ExportKind, out: Path) -> None:
        """Write the chosen take, or what is known of it, to a file."""
        chosen = self._chosen()
        if chosen is not None:
            task = Export(kind, *chosen, out)
            self._lane.submit(task, lambda path: self._store.said.emit(f"Written: {path}"), self._store.fail)

    def _chosen(self) -> tuple[Watched, Take] | None:
        work = self._store.work()
        if work.watched is None or work.take is None:
            self._store.fail(Failure("There is no take to place.", "Generate one, and choose it."))
            return None
        edited = work.as_edited()
        return (edited or work.watched), work.take

    def _placed(self, placed: Placed) -> None:
        self.history.append(placed)
        self.placed.emit(placed)
        start, end = float(placed.record_start), float(placed.record_start + placed.duration)
        self._store.said.emit(f"Placed on {placed.path.name} from {start:.2f} to {end:.2f} s.")
