"""Hostile timelines by the hundred, made by code: each with the words of the error that it must end in."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, TypeAlias

Case: TypeAlias = tuple[str, str, bytes, str]
"""Name, ending of the file, contents, words of the error."""

NOT_JSON, NOT_UTF8, NO_SENSE = "not valid JSON", "not UTF-8", "makes no sense"
WITHIN = "inside of a time or a measure"
KIND, READ, DEEP, RATE = (
    "unknown kind of part",
    "cannot be read",
    "nested more than 200 deep",
    "frame rate of",
)


def time(value: Any = 0, rate: Any = 25) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": value, "rate": rate}


def span(value: Any = 10, rate: Any = 25) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(0, rate), "duration": time(value, rate)}


def clip(**more: Any) -> dict[str, Any]:
    media = {"OTIO_SCHEMA": "ExternalReference.1", "target_url": "a.mov", "available_range": None}
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": "c",
        "source_range": span(),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    } | more


def track(*children: Any, **more: Any) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "Track.1", "kind": "Video", "children": list(children)} | more


def root(*tracks: Any, **more: Any) -> dict[str, Any]:
    stack = {"OTIO_SCHEMA": "Stack.1", "children": list(tracks)}
    return {"OTIO_SCHEMA": "Timeline.1", "name": "a", "tracks": stack} | more


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


GOOD = text(root(track(clip())))


def otio(name: str, content: Any, words: str) -> Case:
    return name, ".otio", content if isinstance(content, bytes) else text(content), words


def cases() -> list[Case]:
    """All of them; names are unique."""
    families = (
        encodings,
        syntax,
        depths,
        roots,
        labels,
        children,
        ranges,
        times,
        measures,
        parts,
        references,
        bundles,
        projects,
    )
    return [case for family in families for case in family()]


def encodings() -> Iterator[Case]:
    plain = GOOD.decode()
    for name in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"):
        data = plain.encode(name)
        words = NOT_UTF8 if data[:1] in (b"\xff", b"\xfe") else NOT_JSON
        yield otio(f"text as {name}", data, words)
    yield otio("text as utf-7", b"{+ACI-OTIO_SCHEMA+ACI-}", NOT_JSON)
    yield otio("a byte order mark before it", b"\xef\xbb\xbf" + GOOD, NOT_JSON)
    yield otio("two byte order marks", b"\xef\xbb\xbf" * 2 + GOOD, NOT_JSON)
    for name, damage in {
        "a latin letter": "é".encode("latin-1"),
        "a long form of a slash": b"\xc0\xaf",
        "half a letter": b"\xe2\x82",
        "a lone continuation": b"\x80",
        "half a pair": b"\xed\xa0\x80",
        "beyond the last letter": b"\xf5\x80\x80\x80",
    }.items():
        yield otio(f"{name} in the name", GOOD.replace(b'"a"', b'"' + damage + b'"'), NOT_UTF8)
    yield otio("a zero byte in the name", GOOD.replace(b'"a"', b'"\0"'), NOT_JSON)
    yield otio("zero bytes", bytes(5000), NOT_JSON)
    yield otio("a zero byte at the end", GOOD + b"\0", NOT_JSON)
    yield otio("packed", gzip.compress(GOOD), NOT_UTF8)
    yield otio("a zip", packed({"content.otio": GOOD}), "not UTF-8|not valid JSON")


def syntax() -> Iterator[Case]:
    for share in range(5, 100, 10):
        yield otio(f"cut off at {share} %", GOOD[: len(GOOD) * share // 100], NOT_JSON)
    for name, (old, new) in {
        "a comma too many": (b"]}}", b",]}}"),
        "a comma too few": (b", ", b" "),
        "no colon": (b": ", b" "),
        "single quotes": (b'"', b"'"),
        "a comment": (b"{", b"{/* hello */"),
        "a hash comment": (b"{", b"{#\n"),
        "a number with a plus": (b"25", b"+25"),
        "a number without a digit": (b"25", b"."),
        "a hexadecimal number": (b"25", b"0x19"),
        "a leading zero": (b"25", b"025"),
        "a bare word": (b"25", b"yes"),
        "undefined": (b"null", b"undefined"),
        "Python's None": (b"null", b"None"),
        "True": (b"null", b"True"),
        "a line break in a name": (b'"a"', b'"\n"'),
        "a tab in a name": (b'"a"', b'"\t"'),
        "an unknown escape": (b'"a"', b'"\\q"'),
        "half an escape": (b'"a"', b'"\\u00"'),
        "an escape of nothing": (b'"a"', b'"\\"'),
        "a key that is a number": (b'"name"', b"1"),
        "a key that is null": (b'"name"', b"null"),
    }.items():
        yield otio(name, GOOD.replace(old, new), NOT_JSON)
    yield otio("two timelines", GOOD + GOOD, NOT_JSON)
    yield otio("a line for each", GOOD + b"\n" + GOOD, NOT_JSON)
    yield otio("a closing brace more", GOOD + b"}", NOT_JSON)
    yield otio("a padding that executes", b")]}',\n" + GOOD, NOT_JSON)
    yield otio("a web page", b"<!doctype html><title>Sign in</title>", NOT_JSON)
    yield (
        "a key twice, deep down",
        ".otio",
        GOOD.replace(b'"name": "c"', b'"name": "c", "name": "d"'),
        "same key twice",
    )
    yield (
        "two schemas",
        ".otio",
        GOOD.replace(b'"kind"', b'"OTIO_SCHEMA": "Clip.2", "kind"'),
        "same key twice",
    )
    yield (
        "an exponent without end",
        ".otio",
        text(root(track(clip(source_range=span(7))))).replace(b"7", b"7e999"),
        NO_SENSE,
    )
    yield otio("a number of 5000 digits", GOOD.replace(b"25", b"2" * 5000), READ)


def depths() -> Iterator[Case]:
    for depth in (201, 1_000, 30_000, 1_000_000):
        yield otio(f"lists {depth} deep", GOOD.replace(b'"a"', b"[" * depth + b"]" * depth), DEEP)
        yield otio(f"lists {depth} deep and never closed", GOOD.replace(b'"a"', b"[" * depth), DEEP)
    for depth in (250, 20_000):
        opening = b'{"OTIO_SCHEMA":"Stack.1","children":['
        nest = opening * depth + b"]}" * depth
        yield (
            f"stacks {depth} deep",
            ".otio",
            GOOD.replace(b'"children": [', b'"children": [' + nest + b",", 1),
            DEEP,
        )
        objects = b'{"x":' * depth + b"1" + b"}" * depth
        yield otio(f"metadata {depth} deep", GOOD.replace(b'"a"', b'"a", "metadata": ' + objects), DEEP)


def roots() -> Iterator[Case]:
    for name in (
        "Clip.2",
        "Clip.1",
        "Track.1",
        "Stack.1",
        "Gap.1",
        "Marker.2",
        "Transition.1",
        "Effect.1",
        "TimeRange.1",
        "RationalTime.1",
        "ExternalReference.1",
        "SerializableObject.1",
        "Gizmo.1",
        "timeline.1",
        "UnknownSchema.1",
    ):
        yield (
            f"a {name} by itself",
            ".otio",
            text({"OTIO_SCHEMA": name, "name": "x"}),
            f"holds a {name.split('.')[0]}",
        )
    for name, value in {
        "null": None,
        "true": True,
        "a string": "x",
        "a number": 1.5,
        "an empty list": [],
        "a list of timelines": [root()],
        "an empty object": {},
        "a schema of null": {"OTIO_SCHEMA": None},
        "a schema that is a list": {"OTIO_SCHEMA": ["Timeline.1"]},
    }.items():
        yield otio(f"the file holds {name}", value, "not an OpenTimelineIO")
    for name, value in {
        "a string": "x",
        "a number": 7,
        "a clip": clip(),
        "a timeline": root(),
        "an object": {},
        "false": False,
    }.items():
        yield otio(f"tracks are {name}", root() | {"tracks": value}, "no stack of tracks")


def labels() -> Iterator[Case]:
    for label in (
        "",
        ".",
        "Clip",
        "Clip.",
        ".1",
        "Clip.1.1",
        "Clip 1",
        "Clip.1\n",
        "Clip.01",
        "Clip.+1",
        "Clip.1e0",
        "Clip.99999",
        "Cl-ip.1",
        "../Clip.1",
        "os.system.1",
        " Clip.2",
        "Clip.2 ",
        "\0.1",
        "UnknownSchema.3",
    ):
        yield otio(f"a part called {label!r}", root({"OTIO_SCHEMA": label}), KIND)
    for number, label in enumerate((None, 2, 1.5, True, [], {}, ["Clip.2"])):
        yield otio(f"a part whose kind is of type {number}", root({"OTIO_SCHEMA": label}), KIND)
    yield (
        "a reference to a part",
        ".otio",
        text(root({"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "x"})),
        "its own parts",
    )
    yield otio("a part that can be referred to", root(track(OTIO_REF_ID="x")), "its own parts")
    yield otio("a newer clip", root(track(clip(OTIO_SCHEMA="Clip.3"))), r"newer format .*Clip\.3")
    yield otio("a newer timeline", root(OTIO_SCHEMA="Timeline.9"), r"newer format .*Timeline\.9")


def measures() -> Iterator[Case]:
    """Times and measures that hold more than numbers: the library forgets the rest too soon."""
    point = {"OTIO_SCHEMA": "V2d.1", "x": 0.0, "y": 0.0}
    kinds = {
        "a time": time(),
        "a range": span(),
        "a point": point,
        "a box": {"OTIO_SCHEMA": "Box2d.1", "min": point, "max": point},
        "a transform": {"OTIO_SCHEMA": "TimeTransform.1", "offset": time(), "rate": 25, "scale": 1.0},
    }
    parts = {
        "stack": {"OTIO_SCHEMA": "Stack.1", "children": []},
        "clip": clip(),
        "gizmo": {"OTIO_SCHEMA": "Gizmo.1"},
    }
    for name, measure in kinds.items():
        for kind, part in parts.items():
            held = clip(metadata={"m": measure | {"more": [part]}})
            yield otio(f"{name} that holds a {kind}", root(track(held)), WITHIN)
    yield otio(
        "the duration of a clip holds a clip",
        root(track(clip(source_range=span() | {"x": clip()}))),
        "a Clip inside",
    )


def children() -> Iterator[Case]:
    strange = {
        "null": None,
        "a string": "x",
        "a number": 1,
        "a list": [],
        "true": True,
        "an object": {},
        "a time": time(),
        "a range": span(),
        "a marker": {"OTIO_SCHEMA": "Marker.2", "name": "m"},
        "media": {"OTIO_SCHEMA": "MissingReference.1"},
        "a timeline": root(),
        "an unknown thing": {"OTIO_SCHEMA": "Gizmo.1"},
    }
    for name, value in strange.items():
        yield otio(f"{name} on a track", root(track(value)), READ)
        yield otio(f"{name} among the tracks", root(value), READ)
    for name in ("null", "a string", "a number", "an object", "true"):
        yield (
            f"the children of a track are {name}",
            ".otio",
            text(root(track() | {"children": strange[name]})),
            READ,
        )
    for name in ("Composable.1",):
        yield (
            f"a {name} on a track",
            ".otio",
            text(root(track({"OTIO_SCHEMA": name}))),
            f"{name.split('.')[0]} on a track",
        )


def ranges() -> Iterator[Case]:
    for name, value in {
        "a string": "x",
        "a number": 9,
        "a list": [0, 10],
        "an object": {},
        "a time": time(),
        "true": True,
        "a clip": clip(),
    }.items():
        yield otio(f"a source range that is {name}", root(track(clip(source_range=value))), READ)
        yield (
            f"a start timecode that is {name}",
            ".otio",
            text(root(global_start_time=value if name != "a time" else span())),
            READ,
        )
        half = span() | {"duration": value if name != "a time" else span()}
        words = WITHIN if name == "a clip" else READ
        yield otio(f"a length that is {name}", root(track(clip(source_range=half))), words)


def times() -> Iterator[Case]:
    for value in (1e13, -1e13, 1e308, -1e308, float("inf"), float("-inf"), float("nan"), 10**20):
        yield otio(f"a length of {value:g}", root(track(clip(source_range=span(value)))), NO_SENSE)
        yield otio(f"a start timecode of {value:g}", root(global_start_time=time(value)), NO_SENSE)
    for rate in (0, -25, 1e-9, 1e9, -0.0):
        yield otio(f"a rate of {rate:g}", root(track(clip(source_range=span(1, rate)))), RATE)
        yield otio(f"a timecode at the rate {rate:g}", root(global_start_time=time(1, rate)), RATE)
    for value in (-1, -0.5, -1e6):
        yield (
            f"a negative length of {value:g}",
            ".otio",
            text(root(track(clip(source_range=span(value))))),
            "negative length",
        )
    for name, value in {
        "null": None,
        "a string": "25",
        "a list": [25],
        "true": True,
        "an object": {},
    }.items():
        yield otio(f"a rate that is {name}", root(track(clip(source_range=span(1, value)))), READ)
        yield otio(f"a time that is {name}", root(track(clip(source_range=span(value)))), READ)


def parts() -> Iterator[Case]:
    strange = {
        "a string": "x",
        "a number": 1,
        "an object": {},
        "a list of null": [None],
        "a list of a list": [[]],
        "a list of clips": [clip()],
        "a list of times": [time()],
    }
    for key in ("effects", "markers"):
        for name, value in strange.items():
            yield otio(f"{key} that are {name}", root(track(clip(**{key: value}))), READ)
    for key in ("name", "metadata", "enabled"):
        for name in ("a list of null", "a number"):
            yield (
                f"a clip whose {key} is {name}",
                ".otio",
                text(root(track(clip(**{key: strange[name]})))),
                READ,
            )
    for scalar in (float("nan"), float("inf"), 1e300, -1e300):
        warp = {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": scalar}
        yield otio(f"a speed of {scalar:g}", root(track(clip(effects=[warp]))), NO_SENSE)
    for name, value in {"a string": "x", "null": None, "a list": []}.items():
        warp = {"OTIO_SCHEMA": "LinearTimeWarp.1", "time_scalar": value}
        yield otio(f"a speed that is {name}", root(track(clip(effects=[warp]))), READ)


def references() -> Iterator[Case]:
    for name, value in {
        "a string": "x",
        "a number": 1,
        "a list": [],
        "of a string": {"DEFAULT_MEDIA": "x"},
        "of a clip": {"DEFAULT_MEDIA": clip()},
        "of a time": {"DEFAULT_MEDIA": time()},
    }.items():
        yield (
            f"media references that are {name}",
            ".otio",
            text(root(track(clip(media_references=value)))),
            READ,
        )
    for name, value in {
        "a list": [],
        "a string": "x",
        "a list of media": [{"OTIO_SCHEMA": "MissingReference.1"}],
        "an object": {},
        "a number": 1,
    }.items():
        old = {"OTIO_SCHEMA": "Clip.1", "name": "c", "media_reference": value}
        yield otio(f"an old clip whose media is {name}", root(track(old)), "no media reference")
    both = {"OTIO_SCHEMA": "Clip.1", "media_reference": None, "media_references": {}}
    yield otio("an old clip with media of both kinds", root(track(both)), "two versions at once")


def packed(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return stream.getvalue()


def bundles() -> Iterator[Case]:
    for name in (
        "../x.mov",
        "a/../../x.mov",
        "/x.mov",
        "//host/x.mov",
        "C:/x.mov",
        "C:x.mov",
        "..\\x.mov",
        "\\\\host\\x.mov",
        "media/..",
        "x.mov:stream",
        "file:///x.mov",
    ):
        yield f"a bundle with {name!r}", ".otioz", packed({"content.otio": GOOD, name: b"x"}), "leads outside"
    for one, other in (("a.mov", "A.MOV"), ("media/x", "media//x"), ("straße", "STRASSE"), ("m/./x", "m/x")):
        yield (
            f"a bundle with {one!r} and {other!r}",
            ".otioz",
            packed({"content.otio": GOOD, one: b"1", other: b"2"}),
            "twice",
        )
    for name in ("content.OTIO", "a/content.otio", "content.otio/x", "content.otioz"):
        yield f"a bundle with only {name!r}", ".otioz", packed({name: GOOD}), r"no content\.otio"
    whole = packed({"content.otio": GOOD, "a.mov": bytes(1000)}, zipfile.ZIP_STORED)
    for share in (1, 30, 60, 95):
        yield f"a bundle cut off at {share} %", ".otioz", whole[: len(whole) * share // 100], "not a readable"
    yield (
        "a bundle with another byte in it",
        ".otioz",
        whole.replace(b'"name": "c"', b'"name": "d"'),
        "not a readable",
    )
    yield "a bundle of nothing", ".otioz", b"", "not a readable"
    yield "a bundle of text", ".otioz", GOOD, "not a readable"
    yield (
        "a bundle in a bundle",
        ".otioz",
        packed({"x.otioz": packed({"content.otio": GOOD})}),
        r"no content\.otio",
    )
    yield (
        "a bundle that grows 1000 times",
        ".otioz",
        packed({"content.otio": GOOD, "a": bytes(40 << 20)}),
        "far more",
    )
    yield "a bundle of hostile text", ".otioz", packed({"content.otio": b"[" * 300}), DEEP


def projects() -> Iterator[Case]:
    """Projects of other programs, which are XML."""
    for suffix, name in ((".xml", "xmeml"), (".fcpxml", "fcpxml"), (".mlt", "mlt"), (".kdenlive", "mlt")):
        body = f"<{name}><x>&a;</x></{name}>"
        entity = f'<!DOCTYPE {name} [<!ENTITY a "aaaaaaaaaa">]>'
        outside = f'<!DOCTYPE {name} [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        bomb = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10))
        for what, text_, words in (
            ("an entity", entity + body, "declares entities"),
            ("an entity from outside", outside + body, "declares entities"),
            ("a billion laughs", f'<!DOCTYPE {name} [<!ENTITY b0 "ha">{bomb}]>{body}', "declares entities"),
            (
                "two document types",
                f"<!DOCTYPE {name}><!DOCTYPE {name} [<!ELEMENT x ANY>]>" + body,
                "declares",
            ),
            ("an entity that nobody declared", body, "not valid XML"),
            ("another root", "<html><body>Sign in</body></html>", "holds <html>"),
            ("nothing", "", "is empty"),
            ("blanks", " \n\t ", "is empty"),
            ("a root that is never closed", f"<{name}>", "not valid XML"),
            ("parts 300 deep", f"<{name}>" + "<a>" * 300 + "</a>" * 300 + f"</{name}>", "nested more than"),
            ("parts 100000 deep and never closed", f"<{name}>" + "<a>" * 100_000, "nested more than"),
            ("comments that are never closed", f"<{name}>" + "<!--" * 100_000, "not valid XML"),
            ("a zero byte", f"<{name}>\0</{name}>", "not UTF-8"),
        ):
            yield f"{what} in {suffix}", suffix, text_.encode(), words
        yield f"UTF-16 in {suffix}", suffix, f"<{name}/>".encode("utf-16"), "not UTF-8"
