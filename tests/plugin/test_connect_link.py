"""The panel's ear: hostile strangers get nowhere, and Resolve's script works through it from end to end."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import stat
import sys
import threading
from dataclasses import replace
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from qt_patience import PATIENCE_MS
from resolve import Resolve, World, state

from hitpoint.values import Asset, HitReport
from hitpoint_plugin.connect import listener as module
from hitpoint_plugin.connect.bridge import order_for
from hitpoint_plugin.connect.listener import LONGEST, MOST, Listener
from hitpoint_plugin.model.panel import PanelModel
from hitpoint_plugin.tasks import Placed
from hitpoint_plugin.view.hosts_button import HostsButton


@pytest.fixture
def ear(qapp, tmp_path: Path):
    made = Listener(tmp_path / "link.json", lambda _peer, message: {"echo": message})
    assert made.problem == ""
    yield made
    made.close()


def connect(ear: Listener) -> socket.socket:
    return socket.create_connection(("127.0.0.1", ear.port), timeout=20)


def says(qtbot, line: socket.socket, data: bytes) -> bytes:
    """Send, and return what comes back until the other side closes or a line is whole."""
    found: list[bytes] = []

    def talk() -> None:
        try:
            line.sendall(data)
            heard = b""
            while not heard.endswith(b"\n") and (part := line.recv(65536)):
                heard += part
            found.append(heard)
        except OSError as error:
            found.append(str(error).encode())

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    qtbot.waitUntil(lambda: bool(found), timeout=PATIENCE_MS)
    return found[0]


def request(ear: Listener, **more: Any) -> bytes:
    return json.dumps({"token": ear.token, **more}).encode() + b"\n"


def test_only_the_user_can_read_the_token_and_only_this_machine_can_connect(ear, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    assert stat.S_IMODE(link.stat().st_mode) == 0o600
    facts = json.loads(link.read_text())
    assert facts["port"] == ear.port
    assert len(facts["token"]) == 64
    assert facts["pid"] == os.getpid()
    assert ear._server.serverAddress().isLoopback()
    ear.close()
    assert not link.exists()


def test_a_second_panel_keeps_its_own_file(qapp, tmp_path: Path) -> None:
    first = Listener(tmp_path / "link.json", lambda *_: None)
    second = Listener(tmp_path / "link.json", lambda *_: None)
    first.close()
    assert json.loads((tmp_path / "link.json").read_text())["token"] == second.token
    second.close()


def test_a_friend_is_answered_again_and_again(ear, qtbot) -> None:
    with connect(ear) as line:
        for number in range(3):
            answer = json.loads(says(qtbot, line, request(ear, do="x", n=number)))
            assert answer == {"ok": True, "echo": {"do": "x", "n": number}}


def test_many_requests_at_once_are_answered_one_after_the_other(ear, qtbot) -> None:
    wanted = 2000
    answers: list[bytes] = []
    with connect(ear) as line:

        def talk() -> None:
            threading.Thread(target=line.sendall, args=(request(ear, n=1) * wanted,), daemon=True).start()
            with line.makefile("rb") as reader:
                answers.extend(reader.readline() for _ in range(wanted))

        thread = threading.Thread(target=talk, daemon=True)
        thread.start()
        qtbot.waitUntil(lambda: not thread.is_alive(), timeout=PATIENCE_MS)
    assert [json.loads(answer)["ok"] for answer in answers] == [True] * wanted


HOSTILE = {
    "no JSON": b"GET / HTTP/1.1\r\n",
    "no object": b"[1, 2]\n",
    "no token": b'{"do": "hello"}\n',
    "wrong token": b'{"token": "' + b"0" * 64 + b'", "do": "hello"}\n',
    "a token that is no text": b'{"token": 5}\n',
    "a token of another alphabet": '{"token": "ключ"}\n'.encode(),
    "half of a surrogate": b'{"token": "\\ud800"}\n',
    "not UTF-8": b"\xff\xfe\x00\n",
    "an empty line": b"\n",
    "deep": b"[" * 100_000 + b"\n",
    "a huge number": b'{"token": ' + b"9" * 200_000 + b"}\n",
    "endless": b"a" * (LONGEST * 4),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_stranger_is_sent_away(name: str, ear, qtbot) -> None:
    with connect(ear) as line:
        heard = says(qtbot, line, HOSTILE[name])
        assert b'"ok": true' not in heard
        assert ear.token.encode() not in heard
        qtbot.waitUntil(lambda: ear.peers == 0, timeout=PATIENCE_MS)
    with connect(ear) as line:  # and the next one is served
        assert json.loads(says(qtbot, line, request(ear, do="x")))["ok"]


def test_a_slow_stranger_and_a_silent_one_are_sent_away(qapp, qtbot, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(module, "FIRST_MS", 300)
    ear = Listener(tmp_path / "link.json", lambda *_: {})
    with connect(ear) as silent, connect(ear) as slow:
        slow.sendall(b'{"tok')
        qtbot.waitUntil(lambda: ear.peers == 2, timeout=PATIENCE_MS)
        qtbot.waitUntil(lambda: ear.peers == 0, timeout=PATIENCE_MS)
        assert b"too long" in silent.recv(1000)
    ear.close()


def test_no_more_than_a_few_are_let_in(ear, qtbot) -> None:
    lines = [connect(ear) for _ in range(MOST + 5)]
    qtbot.waitUntil(lambda: ear.peers == MOST, timeout=PATIENCE_MS)
    qtbot.wait(50)
    assert ear.peers == MOST
    for line in lines:
        line.close()
    qtbot.waitUntil(lambda: ear.peers == 0, timeout=PATIENCE_MS)


def test_a_folder_that_cannot_be_written_is_a_reason_and_no_crash(qapp, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ear = Listener(tmp_path / "file" / "link.json", lambda *_: None)
    assert "cannot be written" in ear.problem
    ear.close()


# --- the whole way -----------------------------------------------------------------------------------------


def script() -> ModuleType:
    source = Path(str(files("hitpoint_plugin.connect"))) / "scripts" / "resolve.py"
    spec = importlib.util.spec_from_file_location("hitpoint_resolve_linked", source)
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made
    spec.loader.exec_module(made)
    return made


def placement(path: Path, wav: Path, start: Fraction, sha: str) -> Placed:
    wav.write_bytes(b"RIFF")
    hits = (HitReport(0.5, 0.8, "movement", 0.503, 3.0, True), HitReport(0.51, 0.6, "cut", None, None, False))
    asset = Asset(wav, sha * 64, 48000, 2, 48000 * 3)
    return Placed(path, "x", None, "Dancer", start, Fraction(3), asset, hits, Fraction(25), False)


def test_an_order_counts_frames_of_the_timeline(tmp_path: Path) -> None:
    placed = replace(
        placement(tmp_path / "a.otio", tmp_path / "a.wav", Fraction(1), "a"), rate=Fraction(24000, 1001)
    )
    order = order_for(placed, 0)
    assert (order["frame"], order["frames"]) == (23, 72)
    assert [mark[:2] for mark in order["markers"]] == [[35, "movement 0.80"], [36, "cut 0.60"]]


def test_resolve_hands_over_and_gets_its_music_placed_replaced_and_taken_off(
    model: PanelModel, qtbot, edit: Path, tmp_path: Path
) -> None:
    """The real script, the real link and the real panel; only Resolve itself is played."""
    resolve = Resolve(World(export_text=edit.read_text()))
    timeline = resolve.manager.project.timeline
    timeline.video[0].items[1].start = 90025  # where the clip Dancer is in the file
    before = state(resolve)
    module, done = script(), []
    settings = {
        "link": str(tmp_path / "state" / "link.json"),
        "python": "/none",
        "exchange": str(tmp_path / "ex"),
    }

    def run() -> None:
        try:
            module.hand_over(resolve, settings)
            done.append("closed")
        except module.Failed as error:
            done.append(str(error))

    button = HostsButton(model.bridge)
    qtbot.addWidget(button)
    assert button.text() == "○ No editor connected"
    threading.Thread(target=run, daemon=True).start()
    qtbot.waitUntil(lambda: bool(done) or (model.store.current == 1 and not model.busy), timeout=PATIENCE_MS)
    assert done == []
    assert button.text() == "● DaVinci Resolve Studio 21.0.4"
    exported = tmp_path / "ex" / "Film _ 1" / "Cut 3.otio"
    assert model.store.timeline.path == exported
    said: list[str] = []
    failed: list[Any] = []
    model.store.said.connect(said.append)
    model.store.failed.connect(failed.append)

    def lay(name: str) -> Placed:
        placed = placement(exported, tmp_path / f"{name}.wav", Fraction(1), name)
        model.placing.history.append(placed)
        count = len(said)
        model.placing.placed.emit(placed)
        qtbot.waitUntil(lambda: len(said) > count or bool(failed), timeout=PATIENCE_MS)
        return placed

    def paths() -> list[str]:
        return [Path(item[2]).name for _name, _kind, items in state(resolve)["tracks"] for item in items]

    lay("a")
    assert failed == []
    assert "Placed in DaVinci Resolve Studio" in said[-1]
    assert state(resolve)["tracks"][-1] == ("Hitpoint", "stereo", [(90025, 75, str(tmp_path / "a.wav"))])
    assert {37.0} < set(state(resolve)["marks"])
    lay("b")
    assert paths() == ["a.mov", "b.wav"]
    model.placing.history.pop()
    model.placing.unplaced.emit()
    qtbot.waitUntil(lambda: sum("in DaVinci" in line for line in said) == 4, timeout=PATIENCE_MS)
    assert paths() == ["a.mov", "a.wav"]
    model.placing.history.pop()
    model.placing.unplaced.emit()
    qtbot.waitUntil(lambda: sum("in DaVinci" in line for line in said) == 5, timeout=PATIENCE_MS)
    assert state(resolve)["tracks"] == before["tracks"]
    assert state(resolve)["marks"] == before["marks"]
    timeline.name = "Another"
    placed = placement(exported, tmp_path / "c.wav", Fraction(1), "c")
    model.placing.placed.emit(placed)
    qtbot.waitUntil(lambda: bool(failed), timeout=PATIENCE_MS)
    assert "Another timeline is open" in failed[0].what
    model.close()
    qtbot.waitUntil(lambda: done == ["closed"], timeout=PATIENCE_MS)


def test_a_panel_that_cannot_be_started_is_said_in_words(tmp_path: Path) -> None:
    module = script()
    settings = {"link": str(tmp_path / "none.json"), "python": str(tmp_path / "none")}
    with pytest.raises(module.Failed, match="hosts install resolve"):
        module.panel_for(settings, {"host": "resolve"}, 1.0)
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\nexit 3\n")
    failing.chmod(0o755)
    with pytest.raises(module.Failed, match="ended at once"):
        module.panel_for(settings | {"python": str(failing)}, {"host": "resolve"}, 30.0)


def test_every_editor_has_a_reason(model: PanelModel) -> None:
    found = {host.name: host for host in model.bridge.hosts()}
    assert len(found) == 7
    assert not any(host.connected for host in found.values())
    assert "hitpoint hosts install resolve" in found["DaVinci Resolve"].reason
    assert "watched folder" in found["Kdenlive"].reason
