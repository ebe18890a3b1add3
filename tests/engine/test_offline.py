"""What the libraries beneath us would tell their makers stays on the machine."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from hitpoint.motion.offline import without_network
from hitpoint.motion.pose import open_tracker
from hitpoint.motion.pose_model import ensure_pose_model

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="the network is held back on Linux only"
)


def family_opens(family: int) -> bool:
    try:
        socket.socket(family, socket.SOCK_DGRAM).close()
    except OSError:
        return False
    return True


def from_a_thread_of_its_own() -> bool:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(family_opens(socket.AF_INET)))
    thread.start()
    thread.join()
    return found[0]


def held_back() -> int:
    """Threads of this process under a filter of system calls."""
    count = 0
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it has ended in the meantime
            count += re.search(r"^Seccomp:\s+2$", (task / "status").read_text(), re.M) is not None
    return count


@linux
def test_code_without_network_has_none_and_its_threads_neither() -> None:
    assert without_network(lambda: family_opens(socket.AF_INET)) is False
    assert without_network(from_a_thread_of_its_own) is False
    assert without_network(lambda: family_opens(socket.AF_UNIX)) is True
    assert family_opens(socket.AF_INET), "everybody else keeps it"


@linux
def test_what_fails_in_there_fails_here() -> None:
    with pytest.raises(ZeroDivisionError):
        without_network(lambda: 1 // 0)


@linux
def test_the_threads_of_the_pose_tracker_have_no_network() -> None:
    before = held_back()
    with open_tracker(ensure_pose_model()) as tracker:
        assert tracker is not None
        assert held_back() > before
    assert family_opens(socket.AF_INET)


def test_onnx_runtime_keeps_no_identity_of_the_user(tmp_path: Path) -> None:
    code = (
        "from hitpoint.cue.bundle import load_bundle; from hitpoint.cue.sessions import CpuModel;"
        "CpuModel(load_bundle()); import onnxruntime"
    )
    home = {key: str(tmp_path) for key in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | home, timeout=120)
    assert not [path for path in tmp_path.rglob("*") if "Microsoft" in path.parts or "deviceid" in path.name]
