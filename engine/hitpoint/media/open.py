"""The one door through which media files are opened: a regular local file of a known kind, or a named error.

Without these locks FFmpeg follows network addresses and play lists hidden in a file that ends in `.mp4`,
and waits for ever on a named pipe.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Stream

from hitpoint.errors import MediaError, MissingMediaError

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,gif,mpegts,mpeg,mxf,asf,flv,dv,"
    "ogg,wav,w64,mp3,flac,aac,aiff"  # sound alone is opened so that the error can say so
)
MAX_SIDE = 8192
MAX_DURATION_S = 24 * 3600
MAX_STREAMS = 200
MAX_CHANNELS = 64

_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": FORMATS}


@contextmanager
def open_media(path: Path | str) -> Generator[InputContainer]:
    """A readable container of the file at `path`, within the budgets above.

    Raises MissingMediaError where there is nothing, MediaError for what is no regular file, empty,
    truncated or not understood. FFmpeg's errors inside the block come out as MediaError too.
    """
    path = Path(path)
    with _open_regular(path) as stream:
        try:
            with av.open(stream, "r", options=_OPTIONS, metadata_errors="replace") as container:
                _check_budgets(path, container)
                yield container
        except FFmpegError as error:
            raise _media_error(path, error) from error


def _knows_codec(stream: Stream) -> bool:
    """Whether there is a decoder; without one PyAV's streams lack most of what their types promise."""
    return getattr(stream, "codec_context", None) is not None


def _open_regular(path: Path) -> BinaryIO:
    """Look before opening (a device may act on being opened), and again at what was really opened."""
    try:
        _check_regular(path, path.stat())
        # O_NONBLOCK: should a pipe have taken the place of the file meanwhile, opening it must not wait.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        stream = os.fdopen(handle, "rb")
    except FileNotFoundError as error:
        raise MissingMediaError(
            f"There is no file {path}.", "Reconnect the disk or relink the clip."
        ) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise MediaError(
            f"{path} cannot be opened: {why}.", "Check the name and your permissions."
        ) from error
    try:
        _check_regular(path, os.fstat(stream.fileno()))
    except MediaError:
        stream.close()
        raise
    return stream


def _check_regular(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise MediaError(f"{path} is a folder, not a media file.", "Choose a file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise MediaError(f"{path} is not a regular file (a pipe or a device).", "Choose a media file.")
    if found.st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes).", "Copy or export it again.")


def _check_budgets(path: Path, container: InputContainer) -> None:
    todo = "Make a smaller copy (a proxy) and use that."
    if not all(_knows_codec(video) for video in container.streams.video):
        what = f"The picture of {path} is damaged, or packed in a way that is not known."
        raise MediaError(what, "Export it again, as H.264 for example.")
    if len(container.streams) > MAX_STREAMS:
        raise MediaError(f"{path} has {len(container.streams)} streams, more than {MAX_STREAMS}.", todo)
    if container.duration is not None and container.duration / 1e6 > MAX_DURATION_S:
        raise MediaError(f"{path} is longer than 24 hours.", todo)
    for video in container.streams.video:
        if max(video.width, video.height) > MAX_SIDE:
            size = f"{video.width}x{video.height}"
            raise MediaError(f"{path} is {size} pixels, more than {MAX_SIDE} on a side.", todo)
    for audio in container.streams.audio:
        if _knows_codec(audio) and audio.channels > MAX_CHANNELS:
            raise MediaError(f"{path} has {audio.channels} sound channels, more than {MAX_CHANNELS}.", todo)


def _media_error(path: Path, error: FFmpegError) -> MediaError:
    if _lacks_index(path):
        return MediaError(
            f"{path} is truncated: its index (the `moov` part) is missing.",
            "The recording or copy was cut off; copy or export it again.",
        )
    why = error.strerror or type(error).__name__
    return MediaError(
        f"{path} cannot be read as media: {why}.", "Play it in another program, or export it again."
    )


def _lacks_index(path: Path) -> bool:
    """Whether a QuickTime or MP4 file has no `moov` atom, or one that runs past the end of the file."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(12)
        if head[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free"):
            return False
        offset = 0
        while offset + 8 <= size:
            stream.seek(offset)
            atom = stream.read(16)
            length = int.from_bytes(atom[:4], "big")
            if length == 1:
                length = int.from_bytes(atom[8:16], "big")
            if atom[4:8] == b"moov":
                return offset + length > size
            if length < 8:  # 0 means "to the end of the file"
                return True
            offset += length
    return True
