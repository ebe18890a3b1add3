"""R10: hostile timeline files by the hundred, each with the error that it must end in, and its words."""

from __future__ import annotations

from pathlib import Path

import pytest
from zoo import Case, cases

from hitpoint.errors import TimelineError
from hitpoint.timeline.read import read_timeline

ZOO = cases()


def test_there_are_enough_and_each_has_a_name_of_its_own() -> None:
    assert len(ZOO) >= 150
    assert len({name for name, *_ in ZOO}) == len(ZOO)
    assert len({(suffix, content) for _, suffix, content, _ in ZOO}) == len(ZOO)


@pytest.mark.parametrize("case", ZOO, ids=[name for name, *_ in ZOO])
def test_each_is_refused_with_its_own_error(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    _, suffix, content, words = case
    path = tmp_path / f"bad{suffix}"
    path.write_bytes(content)
    with pytest.raises(TimelineError, match=words) as caught:
        read_timeline(path)
    assert type(caught.value) is TimelineError
    assert caught.value.todo
    assert not any(word in str(caught.value) for word in ("Traceback", "NoneType object", "object at 0x"))
    assert not [each for each in tmp_path.rglob("*") if each.name.startswith(".unpack-")]
