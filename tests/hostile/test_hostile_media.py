"""Media files that hang, reach out, or are not what they say, each with the named error that meets it."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from timelines import clip, make_video, span, timeline, write

from hitpoint.errors import MediaError, MissingMediaError
from hitpoint.media import open_media, probe
from hitpoint.timeline.read import read_timeline
from hitpoint.timeline.select import select


def cut(path: Path, share: float, suffix: str = ".mov") -> Path:
    whole = make_video(path.with_suffix(suffix), 200).read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    return path


def fast_start_cut(path: Path) -> Path:
    """The index comes first, so the file opens, and the pictures end too early."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        noise = np.random.default_rng(1)
        for _ in range(100):
            picture = noise.integers(0, 255, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def sound_only(path: Path) -> Path:
    soundfile.write(path.with_suffix(".wav"), np.zeros(4800), 48000)
    return path.with_suffix(".wav").rename(path)


def sound_with_cover(path: Path) -> Path:
    picture = make_video(path.with_suffix(".mov"), 1, codec="mjpeg").read_bytes()
    jpeg = picture[picture.index(b"\xff\xd8") : picture.index(b"\xff\xd9") + 2]
    mime = b"image/jpeg"
    body = b"".join(
        [
            b"\0\0\0\3",
            len(mime).to_bytes(4, "big"),
            mime,
            bytes(4),
            bytes(16),
            len(jpeg).to_bytes(4, "big"),
            jpeg,
        ]
    )
    soundfile.write(path.with_suffix(".flac"), np.zeros(4800), 48000)
    flac = path.with_suffix(".flac").read_bytes()
    info = bytes([0]) + flac[5 : 4 + 4 + 34]  # the stream's own block, no longer the last one
    cover = bytes([0x86]) + len(body).to_bytes(3, "big") + body
    rest = flac[4 + 4 + 34 :]
    while rest[0] & 0x7F != 0x7F and rest[:1] != b"\xff":  # skip other blocks up to the first frame
        rest = rest[4 + int.from_bytes(rest[1:4], "big") :]
    path.write_bytes(flac[:4] + info + cover + rest)
    return path


def written(content: bytes) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def big_picture(path: Path) -> Path:
    return make_video(path.with_suffix(".avi"), 1, size=(8208, 16), codec="mjpeg")


CASES: dict[str, tuple[Callable[[Path], Path], type[MediaError], str]] = {
    "nothing there": (lambda p: p, MissingMediaError, "no file"),
    "a folder": (folder, MediaError, "folder"),
    "a pipe": (pipe, MediaError, "not a regular file"),
    "a device": (lambda p: Path("/dev/zero"), MediaError, "not a regular file"),
    "a pipe behind a link": (
        lambda p: p.symlink_to(pipe(p.with_suffix(".p"))) or p,
        MediaError,
        "not a regular file",
    ),
    "a link in a circle": (lambda p: p.symlink_to(p) or p, MediaError, "cannot be opened"),
    "empty": (written(b""), MediaError, "empty"),
    "noise": (written(np.random.default_rng(3).bytes(4000)), MediaError, "cannot be read as media"),
    "prose": (written(b"once upon a time"), MediaError, "cannot be read as media"),
    "cut off, without its index": (lambda p: cut(p, 0.5), MediaError, "truncated.*moov"),
    "a head alone": (lambda p: cut(p, 0.01), MediaError, "truncated|cannot be read"),
    "cut off, with its index": (fast_start_cut, MediaError, "truncated"),
    "sound alone": (sound_only, MediaError, "no picture"),
    "sound with a cover": (sound_with_cover, MediaError, "no picture"),
    "a list of files": (
        written(b"ffconcat version 1.0\nfile neighbour.mp4\n"),
        MediaError,
        "cannot be read as media",
    ),
    "a play list": (written(b"#EXTM3U\n#EXTINF:1,\nneighbour.mp4\n"), MediaError, "cannot be read as media"),
    "a still picture": (written(b"P6 2 2 255\n" + bytes(12)), MediaError, "cannot be read as media"),
    "too large a picture": (big_picture, MediaError, "8208x16"),
    "an address": (lambda p: Path("http://127.0.0.1:9/x.mp4"), MissingMediaError, "no file"),
    "a protocol": (lambda p: Path("concat:a.mov|b.mov"), MissingMediaError, "no file"),
    "a name with a zero": (lambda p: Path("a\0b.mov"), MediaError, "cannot be opened"),
    "too long a name": (lambda p: p.with_name("x" * 300), MediaError, "cannot be opened"),
}


@pytest.mark.parametrize("case", CASES)
def test_hostile_media_is_a_named_error_at_once(case: str, tmp_path: Path) -> None:
    make, error, words = CASES[case]
    make_video(tmp_path / "neighbour.mp4", 5)
    path = make(tmp_path / "clip.mp4")
    begun = time.process_time()
    with pytest.raises(error, match=words) as caught:
        probe(path)
    assert type(caught.value) is error
    assert caught.value.todo
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("case", ["a folder", "a pipe", "empty", "cut off, without its index", "sound alone"])
def test_the_same_through_a_timeline(case: str, tmp_path: Path) -> None:
    """The clip is listed; the error comes when it is chosen."""
    make, error, words = CASES[case]
    path = make(tmp_path / "clip.mp4")
    edit = write(timeline([[clip("c", str(path), span(0, 10), span(0, 100))]]), tmp_path / "edit.otio")
    info = read_timeline(edit)
    assert info.clips[0].name == "c"
    with pytest.raises(error, match=words):
        select(info)


def test_nothing_is_fetched_from_a_network(tmp_path: Path) -> None:
    """A play list inside a file with a video's name points at a server; the server must not hear of it."""
    asked: list[str] = []

    class Ear(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}/x.ts"
        for content in (f"#EXTM3U\n#EXTINF:1,\n{address}\n", f"ffconcat version 1.0\nfile {address}\n"):
            path = tmp_path / "clip.mp4"
            path.write_text(content)
            with pytest.raises(MediaError):
                probe(path)
        items = [clip("c", address, span(0, 10), span(0, 10))]
        assert read_timeline(write(timeline([items]), tmp_path / "e.otio")).clips[0].offline
    finally:
        server.shutdown()
    assert asked == []


def test_errors_while_decoding_are_media_errors(tmp_path: Path) -> None:
    path = make_video(tmp_path / "clip.mov", 60)
    damaged = av.error.InvalidDataError(1, "damaged", str(path))
    with pytest.raises(MediaError, match="cannot be read as media"), open_media(path):
        raise damaged


class Seeds(list[bytes]):
    """Whole files; their bytes are no help in a report."""

    def __repr__(self) -> str:
        return f"{len(self)} files"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Seeds:
    base = tmp_path_factory.mktemp("seeds")
    codecs = {"s.mov": "mpeg4", "s.avi": "mpeg4", "s.mkv": "mpeg4", "s.gif": "gif"}
    return Seeds(make_video(base / name, 8, Fraction(10), codec=c).read_bytes() for name, c in codecs.items())


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_mutants_of_media_are_read_or_refused(seeds: Seeds, data: st.DataObject) -> None:
    mutant = bytearray(seeds[data.draw(st.integers(0, len(seeds) - 1))])
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(mutant) - 1))
        mutant[place : place + 4] = data.draw(st.binary(max_size=6))
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"hitpoint-mutant-{os.getpid()}"
    path.write_bytes(bytes(mutant))
    try:
        assert probe(path).duration > 0
    except MediaError:
        pass
    finally:
        path.unlink()


def test_a_file_that_is_replaced_by_a_pipe_cannot_hang_us(tmp_path: Path) -> None:
    """Between the look and the opening: the opening itself must not wait."""
    path = tmp_path / "clip.mov"
    make_video(path, 2)
    regular = path.stat()
    shutil.move(path, tmp_path / "old.mov")
    os.mkfifo(path)
    real = Path.stat

    def first_look(self: Path, **options: bool) -> os.stat_result:
        return regular if self == path else real(self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "stat", first_look)
        with pytest.raises(MediaError, match="not a regular file"):
            probe(path)
