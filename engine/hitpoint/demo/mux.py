"""Put a sound under a picture, without touching the picture."""

from __future__ import annotations

from pathlib import Path

import av

from hitpoint.files import replacing
from hitpoint.media.open import open_media


def mux(video: Path, sound: Path, out: Path) -> Path:
    """Copy the video stream of `video` and encode `sound` as AAC beside it into an MP4."""
    with (
        replacing(out) as temp,
        open_media(video) as picture,
        open_media(sound) as music,
        av.open(str(temp), "w", format="mp4") as target,
    ):
        image = target.add_stream_from_template(picture.streams.video[0])
        voice = target.add_stream("aac", rate=48_000, layout="stereo")
        voice.codec_context.bit_rate = 192_000
        for packet in picture.demux(picture.streams.video[0]):
            if packet.dts is not None:
                packet.stream = image
                target.mux(packet)
        for frame in music.decode(audio=0):
            target.mux(voice.encode(frame))
        target.mux(voice.encode(None))
    return out
