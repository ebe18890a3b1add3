"""The windows carry our own drawing; a file that is missing or no picture would leave them bare."""

from PyQt6.QtWidgets import QApplication

from hitpoint_plugin.view.theme import ACCENT, dress


def test_the_windows_have_an_icon(qapp: QApplication) -> None:
    dress(qapp)
    picture = qapp.windowIcon().pixmap(128, 128).toImage()
    assert picture.width() == 128
    assert picture.pixelColor(78, 100).name() == ACCENT  # the playhead
    assert picture.pixelColor(1, 1).alpha() == 0  # a round corner
