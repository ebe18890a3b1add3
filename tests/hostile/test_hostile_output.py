"""Places that cannot be written to, each with the named error that meets it; and nothing is lost."""

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from timelines import clip, make_video, score_with_tone, span, timeline, write

from hitpoint.errors import ConflictError, OutputError
from hitpoint.files import write_atomic
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.remove import remove
from hitpoint.timeline.select import select


@pytest.fixture
def edit(tmp_path: Path) -> Path:
    make_video(tmp_path / "dance.mov", 50)
    return write(timeline([[clip("a", "dance.mov", span(0, 50), span(0, 50))]]), tmp_path / "edit.otio")


@pytest.fixture
def locked_folder() -> Iterator[Path]:
    """A folder that this process may not write to, also where the tests run as root."""
    base = Path(tempfile.mkdtemp())
    base.chmod(0o755)
    folder = base / "archive"
    folder.mkdir()
    (folder / "old.otio").write_text("old")
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        os.seteuid(user)
        folder.chmod(0o755)
        shutil.rmtree(base)


def test_a_read_only_folder(locked_folder: Path) -> None:
    for name in ("new.otio", "old.otio"):
        with pytest.raises(OutputError, match="permission"):
            write_atomic(locked_folder / name, b"new")
    assert (locked_folder / "old.otio").read_text() == "old"


BAD_TARGETS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a folder that does not exist": (lambda p: p / "no" / "such" / "x.otio", "does not exist"),
    "a folder with that name": (lambda p: (p / "x.otio").mkdir() or p / "x.otio", "is a folder"),
    "a pipe": (lambda p: os.mkfifo(p / "x.otio") or p / "x.otio", "not a regular file"),
    "a device": (lambda p: (p / "x.otio").symlink_to("/dev/null") or p / "x.otio", "not a regular file"),
    "below a file": (lambda p: p / "edit.otio" / "x.otio", "does not exist"),
    "too long a name": (lambda p: p / ("x" * 300 + ".otio"), "too long"),
    "a link in a circle": (lambda p: (p / "x.otio").symlink_to("x.otio") or p / "x.otio", "link|levels"),
    "a file system without files": (lambda p: Path("/proc/x.otio"), "cannot be written"),
}


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_bad_targets(case: str, edit: Path, tmp_path: Path) -> None:
    make, words = BAD_TARGETS[case]
    out = make(tmp_path)
    original = edit.read_bytes()
    info = read_timeline(edit)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match=words) as caught:
        score_with_tone(info, select(info), out, sound=tmp_path / "dance.mov.wav")
    assert caught.value.todo
    assert edit.read_bytes() == original
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "dance.mov.wav"])


@pytest.mark.parametrize("size", [0, 1, 100, 4096, 20_000])
def test_a_full_disk_at_every_stage(edit: Path, size: int) -> None:
    """A limit on file sizes gives real short writes in the kernel, for the backup and for the timeline."""
    info = read_timeline(edit)
    selection = select(info)
    score_with_tone(info, selection, edit.parent / "warm-up.otio", sound=edit.parent / "a.wav")
    original = edit.read_bytes()
    files = sorted(edit.parent.iterdir())
    for name in (edit, edit.parent / "fresh.otio"):
        with pytest.raises(OutputError, match=r"limit|full"):
            limited(size, lambda name=name: write_atomic(name, bytes(30_000)))
    assert edit.read_bytes() == original
    assert sorted(edit.parent.iterdir()) == files


def limited(size: int, act: Callable[[], object]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        act()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mount"), reason="needs the right to mount a small disk"
)
def test_a_disk_that_is_really_full(edit: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting is not allowed here")
    try:
        out = disk / "scored.otio"
        out.write_bytes(b"old" * 5000)
        (disk / "filler").write_bytes(bytes(40_000))
        info = read_timeline(edit)
        with pytest.raises(OutputError, match="disk is full"):
            score_with_tone(info, select(info), out, sound=tmp_path / "a.wav")
        assert out.read_bytes() == b"old" * 5000
        assert {p.name for p in disk.iterdir()} <= {"scored.otio", "filler", "scored.otio.bak-1"}
    finally:
        subprocess.run(["umount", str(disk)], check=True)


FAULTS = [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EDQUOT, errno.EROFS]


@pytest.mark.parametrize("fault", FAULTS)
def test_every_step_of_a_write_may_fail(fault: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the first call, then the second, and so on, until the write goes through."""
    path = tmp_path / "x.otio"
    path.write_bytes(b"old")
    for number in range(1, 20):
        with monkeypatch.context() as patch:
            counter = fail_call(patch, number, fault)
            failed = fails_to_write(path)
        if not failed:
            break
        # The last step makes the rename durable; then the new file is already whole.
        assert path.read_bytes() == (b"new" if counter.renamed else b"old")
        path.write_bytes(b"old")
        assert [p.name for p in tmp_path.iterdir()] == ["x.otio"]
    assert number >= 4
    assert path.read_bytes() == b"new"


def fails_to_write(path: Path) -> bool:
    try:
        write_atomic(path, b"new")
    except OutputError:
        return True
    return False


class Counter:
    def __init__(self) -> None:
        self.calls = 0
        self.renamed = False


def fail_call(patch: pytest.MonkeyPatch, number: int, fault: int) -> Counter:
    counter = Counter()

    def failing(real: Callable[..., object], renames: bool = False) -> Callable[..., object]:
        def call(*args: object, **more: object) -> object:
            counter.calls += 1
            if counter.calls == number:
                raise OSError(fault, os.strerror(fault))
            counter.renamed = counter.renamed or renames
            return real(*args, **more)

        return call

    patch.setattr(os, "fsync", failing(os.fsync))
    patch.setattr(Path, "replace", failing(Path.replace, renames=True))
    patch.setattr(Path, "open", failing(Path.open))
    patch.setattr(Path, "read_bytes", failing(Path.read_bytes))
    return counter


@pytest.mark.parametrize("saves", [1, 2, 100])
@pytest.mark.parametrize("moment", ["prescan", "_verify"])
def test_what_is_saved_at_the_last_moment_is_kept(
    moment: str, saves: int, edit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor that knows no locks saves directly after our reading, or before our writing."""
    from hitpoint.timeline import place as module

    info = read_timeline(edit)
    selection = select(info)
    real, saved = getattr(module, moment), []

    def meanwhile(*args: object) -> object:
        answer = real(*args)
        if len(saved) < saves:
            saved.append(f"save {len(saved)}")
            edit.write_text(json.dumps(json.loads(edit.read_text()) | {"name": saved[-1]}))
        return answer

    monkeypatch.setattr(module, moment, meanwhile)
    if saves < module._TRIES:
        score_with_tone(info, selection, edit)
    else:
        with pytest.raises(ConflictError, match="was changed"):
            score_with_tone(info, selection, edit)
    now = json.loads(edit.read_text())
    assert now["name"] == saved[-1]
    assert (now["tracks"]["children"][-1]["name"] == "Hitpoint") == (saves < module._TRIES)


def test_what_is_saved_while_music_is_taken_off_is_left_alone(
    edit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hitpoint.timeline import remove as module

    info = read_timeline(edit)
    score_with_tone(info, select(info), edit)
    saved, real = edit.read_bytes() + b"\n", module.prescan

    def meanwhile(data: bytes) -> str:
        edit.write_bytes(saved)
        return real(data)

    monkeypatch.setattr(module, "prescan", meanwhile)
    with pytest.raises(ConflictError, match="was changed"):
        remove(edit)
    assert edit.read_bytes() == saved


KILLED = """
import sys
from pathlib import Path
from hitpoint.files import write_atomic
path, number = Path(sys.argv[1]), 0
print("ready", flush=True)
while True:
    number += 1
    write_atomic(path, bytes([65 + number % 26]) * 300_000)
"""


def test_a_killed_writer_leaves_a_whole_file(tmp_path: Path) -> None:
    from hitpoint.files import sweep_stale_temps

    path = tmp_path / "x.otio"
    path.write_bytes(b"A" * 300_000)
    for delay in range(12):
        writer = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        try:
            writer.wait(0.01 + delay * 0.013)
        except subprocess.TimeoutExpired:
            writer.kill()
        writer.wait()
        writer.stdout.close()
        found = path.read_bytes()
        assert len(found) == 300_000
        assert len(set(found)) == 1
    sweep_stale_temps(tmp_path)
    assert list(tmp_path.iterdir()) == [path]


def test_removing_from_what_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "x.otio"
    path.write_text("{ not ours")
    with pytest.raises(Exception, match="not valid JSON"):
        remove(path)
    assert path.read_text() == "{ not ours"
