"""Picture, transport and score of the current clip."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QCursor, QImage, QKeyEvent
from PyQt6.QtWidgets import QMenu, QSplitter, QVBoxLayout, QWidget

from hitpoint.values import HitReport, Piece
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.model.player import Player
from hitpoint_plugin.tasks import PictureSet, Waveform
from hitpoint_plugin.view.clips import offline
from hitpoint_plugin.view.parts import button, clock, column, label, pixmap, row, tool
from hitpoint_plugin.view.picture import Picture
from hitpoint_plugin.view.score_view import ScoreView
from hitpoint_plugin.view.tempo import TempoBar

_SOUNDS = {"music": "Music", "original": "Original", "both": "Both"}


class Stage(QWidget):
    """What is seen and heard, and where hit points are edited."""

    def __init__(self, model: PanelModel) -> None:
        super().__init__()
        self._model, self._store = model, model.store
        self.picture = Picture()
        self.player = Player(self)
        self.score = ScoreView()
        self.tempo = TempoBar(model)
        self.watch_button = button(
            "Find hit points", "Watch the clip and find its hit points (W)", self._watch
        )
        self.line = label("", "quiet", wrap=True)
        self.line.setMinimumWidth(10)
        self.time = label("0:00.000", "quiet")
        self.play_button = tool("▶", "Play or pause (Space)", self.player.toggle)
        self.loop_button = tool("Loop", "Play again and again")
        self.loop_button.toggled.connect(self._set_loop)
        self.sound_button = tool(
            "Music", "What is heard: the music, the original sound, or both", self._next_sound
        )
        if not self.player.has_device:
            self.sound_button.setToolTip("This machine has no sound device; the picture plays without sound")
        self._lay_out()
        self._bind()

    def _lay_out(self) -> None:
        transport = row(self.play_button, self.time, 1, self.loop_button, self.sound_button)
        said = row(self.line, self.tempo.undo, self.tempo.redo, self.watch_button)
        said.setStretch(0, 1)
        below = QWidget()
        below.setLayout(column(transport, self.score, said, self.tempo, gap=6))
        below.layout().setContentsMargins(0, 6, 0, 0)  # type: ignore[union-attr]
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.addWidget(self.picture)
        self.splitter.addWidget(below)
        self.splitter.setStretchFactor(0, 3)
        self.splitter.setStretchFactor(1, 2)
        self.splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.splitter)

    def _bind(self) -> None:
        editor = self._model.editor
        self._store.current_changed.connect(self._show_clip)
        self._store.work_changed.connect(self._show_work)
        self._store.takes_changed.connect(self._show_take)
        self._model.strip_changed.connect(self._show_strip)
        self._model.waveform_changed.connect(self._show_waveform)
        self._model.pieces_changed.connect(self._show_pieces)
        self.player.framed.connect(self.picture.show_frame)
        self.player.blanked.connect(lambda why: self.picture.show_still(QImage(), why))
        self.player.moved.connect(self._moved)
        self.player.playing_changed.connect(lambda on: self.play_button.setText("❚❚" if on else "▶"))
        self.score.added.connect(editor.add)
        self.score.moved.connect(lambda index, time: editor.move(index, time, merge=False))
        self.score.selected.connect(editor.select)
        self.score.asked.connect(self._show_menu)
        self.score.scrubbed.connect(self.player.seek)
        self.score.key.connect(self.handle_key)
        self.score.bent.connect(editor.bend)
        self.score.straightened.connect(editor.straighten)
        self.score.marked.connect(editor.mark)
        self.tempo.bend.toggled.connect(self.score.set_bending)

    def handle_key(self, event: QKeyEvent) -> None:
        """The keys of the score view; what is none of them is left to others."""
        editor, key = self._model.editor, event.key()
        hit, hits = editor.selected, self._store.work().sheet.hits
        frame = 1 / float(clip.rate) if (clip := self._store.clip(self._store.current)) else 0.04
        step = -1 if key in (Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Comma, Qt.Key.Key_Minus) else 1
        drawing = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if drawing and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            editor.bend_by(self.player.position(), step)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            if 0 <= hit < len(hits):
                editor.move(hit, hits[hit].time + step * frame)
            else:
                self.player.seek(self.player.position() + step * frame)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Plus, Qt.Key.Key_Minus):
            editor.heavier(hit, step)
        elif key in (Qt.Key.Key_Comma, Qt.Key.Key_Period) and hits:
            editor.select((hit + step) % len(hits) if hit >= 0 else self._nearest())
        elif key == Qt.Key.Key_A:
            editor.add(self.player.position())
        elif key == Qt.Key.Key_L:
            editor.lock(hit)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            editor.delete(hit)
        elif key == Qt.Key.Key_I:
            editor.mark_in(self.player.position())
        elif key == Qt.Key.Key_O:
            editor.mark_out(self.player.position())
        elif key == Qt.Key.Key_Escape:
            editor.select(-1)
            editor.unmark()
        elif key == Qt.Key.Key_Home:
            self.player.seek(0.0)
        elif key == Qt.Key.Key_End:
            self.player.seek(self.player.duration)
        else:
            return
        event.accept()

    def _show_menu(self, index: int) -> None:
        editor, hit = self._model.editor, self._store.work().sheet.hits[index]
        editor.select(index)
        self.menu = QMenu(self)
        for words, act in (
            ("Unlock" if hit.locked else "Lock", editor.lock),
            ("Stronger", editor.heavier),
            ("Weaker", partial(editor.heavier, steps=-1)),
            ("Delete", editor.delete),
        ):
            action = self.menu.addAction(words)
            if action is not None:
                action.triggered.connect(lambda _on=False, act=act: act(index))
        self.menu.popup(QCursor.pos())

    def _nearest(self) -> int:
        now, hits = self.player.position(), self._store.work().sheet.hits
        return min(range(len(hits)), key=lambda index: abs(hits[index].time - now), default=-1)

    def _watch(self) -> None:
        self._model.studio.watch(self._store.current)

    def _set_loop(self, on: bool) -> None:
        self.player.loop = on

    def _next_sound(self) -> None:
        names = list(_SOUNDS)
        sound = names[(names.index(self.player.sound) + 1) % 3]
        self.player.set_sound(sound)  # type: ignore[arg-type]
        self.sound_button.setText(_SOUNDS[sound])

    def _show_clip(self) -> None:
        clip = self._store.clip(self._store.current)
        self.picture.show_still(QImage(), offline(clip) if clip is not None else "No clip")
        self.score.clear(float(clip.duration) if clip is not None else 1.0)
        self._model.editor.selected = -1
        self._show_take(self._store.current)
        self._show_work(self._store.current)
        self._moved(0.0)

    def _show_pieces(self, pieces: tuple[Piece, ...]) -> None:
        self.player.set_pieces(pieces)

    def _show_work(self, index: int) -> None:
        if index != self._store.current:
            return
        work = self._store.work()
        watched = work.as_edited()
        if watched is not None:
            self.score.set_rhythm(watched.rhythm, watched.rhythm.tempo)
        self.score.set_hits(work.sheet.hits if watched else (), self._reports(), self._model.editor.selected)
        self.score.set_curve(work.sheet.curve if watched else ())
        self.score.set_region(work.sheet.region if watched else None)
        clip = self._store.clip(self._store.current)
        self.watch_button.setVisible(watched is None and clip is not None and clip.media is not None)
        self.line.setText(self._sentence())

    def _show_take(self, index: int) -> None:
        if index == self._store.current:
            self.player.set_take(self._store.work().take)
            self._show_work(index)

    def _show_strip(self, pictures: PictureSet) -> None:
        clip = self._store.clip(self._store.current)
        self.score.set_pictures(pictures, float(clip.duration) if clip is not None else 1.0)
        if pictures.jpegs and not self.picture.frames:
            self.picture.show_still(pixmap(pictures.jpegs[0]).toImage())

    def _show_waveform(self, waveform: Waveform | None) -> None:
        self.score.set_waveform(waveform)

    def _reports(self) -> tuple[HitReport, ...]:
        take = self._store.work().take
        return take.hits if take is not None else ()

    def _sentence(self) -> str:
        """The selected hit point, or what can be said of all."""
        work, chosen = self._store.work(), self._model.editor.selected
        if work.watched is None:
            return "Not watched yet" if self.watch_button.isVisibleTo(self) else ""
        hits = work.sheet.hits
        if 0 <= chosen < len(hits):
            hit = hits[chosen]
            report = next((r for r in self._reports() if r.time == hit.time), None)
            lock = " · locked" if hit.locked else ""
            what = f"{clock(hit.time)} · {hit.kind} {hit.strength:.0%}{lock}{_landed(report)}"
            return f"{chosen + 1} of {len(hits)} · {what}"
        if work.sheet.region is not None:
            start, stop = work.sheet.region
            return f"Region from {clock(start)} to {clock(stop)}: Remake region makes these bars anew"
        if work.watched.rhythm.from_markers:
            return f"{len(hits)} hit points, from the markers of the timeline"
        seen = "people" if work.watched.rhythm.source == "pose" else "the whole picture"
        return f"{len(hits)} hit points, from the movement of {seen}"

    def _moved(self, time: float) -> None:
        self.score.set_playhead(time)
        self.time.setText(f"{clock(time)} / {clock(self.player.duration)}")


def _landed(report: HitReport | None) -> str:
    if report is None:
        return ""
    if report.error_ms is None:
        return " · no accent there"
    return f" · music {report.error_ms:+.0f} ms{'' if report.hit else ' (missed)'}"
