"""The first look at project files: what is refused before any parser, and that it never takes long."""

import time
from contextlib import suppress

import pytest

from hitpoint.errors import TimelineError
from hitpoint.timeline.formats.firstlook import checked_xml

HOSTILE = {
    "an entity": (b'<!DOCTYPE x [<!ENTITY a "b">]><x/>', "declares entities"),
    "a second document type": (b"<!DOCTYPE x><!DOCTYPE x><x/>", "declares entities"),
    "lower case": (b"<!doctype x [<!entity a 'b'>]><x/>", "declares entities"),
    "deep nesting": (b"<a>" * 300 + b"</a>" * 300, "nested more than"),
    "no text": (b"\xff\xfe<\x00x\x00/\x00>\x00", "not UTF-8"),
    "nothing": (b"  \n", "is empty"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_by_name(case: str) -> None:
    data, words = HOSTILE[case]
    with pytest.raises(TimelineError, match=words):
        checked_xml(data, "FCPXML")


def test_a_plain_document_type_is_fine() -> None:
    checked_xml(b'<?xml version="1.0"?>\n<!DOCTYPE xmeml>\n<!-- [ --><xmeml a="[">&lt;</xmeml>', "xmeml")


@pytest.mark.parametrize("part", [b"<!--", b"<![CDATA[", b"<?", b"<!DOCTYPE", b"<", b"<a", b"]]>-->"])
def test_what_never_ends_takes_time_in_proportion(part: bytes) -> None:
    def seconds(count: int) -> float:
        begun = time.process_time()
        with suppress(TimelineError):
            checked_xml(part * count, "MLT")
        return time.process_time() - begun

    seconds(1000)
    assert seconds(400_000) < 60 * (seconds(20_000) + 0.01)
