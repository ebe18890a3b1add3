"""Colours, type and spacing: dark, quiet, one accent. Shapes tell kinds apart, so no colour has to."""

from __future__ import annotations

from pathlib import Path

from PyQt6.QtGui import QColor, QIcon, QPalette
from PyQt6.QtWidgets import QApplication, QStyleFactory

GROUND, SURFACE, RAISED, LINE = "#14161a", "#1b1e24", "#262a32", "#343a45"
INK, QUIET, FAINT = "#e9ebef", "#9aa3b2", "#667080"
ACCENT, ACCENT_INK = "#ff8f5c", "#1d120c"
BAD = "#ff6b6b"
GAP = 8

STYLE = f"""
* {{ font-size: 13px; }}
QWidget {{ background: {GROUND}; color: {INK}; }}
QToolTip {{ background: {RAISED}; color: {INK}; border: 1px solid {LINE}; padding: 4px; }}
QFrame#card {{ background: {SURFACE}; border: 1px solid {SURFACE}; border-radius: 8px; }}
QFrame#card[chosen="true"] {{ border: 1px solid {ACCENT}; }}
QFrame#card QWidget, QFrame#bar QWidget {{ background: transparent; }}
QFrame#bar {{ background: {SURFACE}; border: none; }}
QFrame#banner {{ background: #33211f; border: 1px solid {BAD}; border-radius: 8px; }}
QFrame#banner[good="true"] {{ background: {SURFACE}; border: 1px solid {LINE}; }}
QFrame#banner QWidget {{ background: transparent; }}
QLabel[quiet="true"] {{ color: {QUIET}; font-size: 12px; }}
QLabel[heading="true"] {{ color: {QUIET}; font-size: 11px; font-weight: 600; letter-spacing: 1px; }}
QLabel[big="true"] {{ font-size: 20px; font-weight: 600; }}
QLabel[bad="true"] {{ color: {BAD}; font-size: 12px; }}
QPushButton, QToolButton {{ background: {RAISED}; border: 1px solid {RAISED}; border-radius: 6px;
    padding: 5px 10px; color: {INK}; }}
QToolButton {{ padding: 5px 8px; }}
QPushButton:hover, QToolButton:hover {{ border-color: {LINE}; background: #2f343e; }}
QPushButton:focus, QToolButton:focus, QComboBox:focus, QLineEdit:focus, QAbstractSpinBox:focus {{
    border: 1px solid {ACCENT}; }}
QPushButton:disabled, QToolButton:disabled {{ color: {FAINT}; background: {SURFACE};
    border-color: {SURFACE}; }}
QToolButton:checked {{ background: {LINE}; color: {ACCENT}; }}
QPushButton#primary {{ background: {ACCENT}; color: {ACCENT_INK}; font-weight: 600; padding: 8px 14px;
    border: 1px solid {ACCENT}; }}
QPushButton#primary:hover {{ background: #ffa377; }}
QPushButton#primary:focus {{ border: 1px solid {INK}; }}
QPushButton#primary:disabled {{ background: {RAISED}; border-color: {RAISED}; color: {FAINT}; }}
QPushButton#plain, QToolButton#plain {{ background: transparent; border: 1px solid transparent;
    color: {QUIET}; padding: 3px 6px; }}
QPushButton#plain:hover, QToolButton#plain:hover {{ color: {INK}; }}
QPushButton#plain:focus, QToolButton#plain:focus {{ border: 1px solid {ACCENT}; }}
QToolButton::menu-indicator, QPushButton::menu-indicator {{ image: none; width: 0; }}
QComboBox, QSpinBox, QDoubleSpinBox, QLineEdit {{ background: {RAISED}; border: 1px solid {RAISED};
    border-radius: 6px; padding: 4px 8px; min-height: 20px; selection-background-color: {ACCENT};
    selection-color: {ACCENT_INK}; }}
QComboBox::drop-down {{ border: none; width: 18px; }}
QComboBox QAbstractItemView {{ background: {RAISED}; border: 1px solid {LINE}; outline: none;
    selection-background-color: {LINE}; }}
QMenu {{ background: {RAISED}; border: 1px solid {LINE}; padding: 4px; }}
QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: 4px; background: transparent; }}
QMenu::item:selected {{ background: {LINE}; }}
QMenu::item:disabled {{ color: {FAINT}; }}
QListView {{ background: {GROUND}; border: none; outline: none; }}
QListView::item {{ border-radius: 8px; }}
QScrollArea {{ border: none; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
QScrollBar::handle {{ background: {LINE}; border-radius: 3px; min-height: 24px; min-width: 24px; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSlider {{ min-height: 20px; }}
QSlider::groove:horizontal {{ height: 4px; background: {LINE}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {ACCENT}; border-radius: 2px; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -5px 0; border-radius: 7px;
    background: {INK}; }}
QSlider::handle:horizontal:focus {{ background: {ACCENT}; }}
QProgressBar {{ background: {LINE}; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ background: {ACCENT}; border-radius: 2px; }}
QTabWidget::pane {{ border: none; }}
QTabBar {{ background: {GROUND}; }}
QTabBar::tab {{ background: transparent; color: {QUIET}; padding: 8px 14px;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {INK}; border-bottom: 2px solid {ACCENT}; }}
QTabBar::tab:focus {{ color: {ACCENT}; }}
QSplitter::handle {{ background: {GROUND}; }}
QPlainTextEdit {{ background: {GROUND}; border: none; border-radius: 6px; padding: 6px;
    font-family: monospace; font-size: 11px; }}
QMessageBox QLabel {{ font-size: 13px; }}
"""


def dress(app: QApplication) -> None:
    """Give the whole program its look, and its windows their icon."""
    app.setWindowIcon(QIcon(str(Path(__file__).with_name("hitpoint.svg"))))
    app.setStyle(QStyleFactory.create("Fusion"))
    palette = QPalette()
    role = QPalette.ColorRole
    for part, colour in (
        (role.Window, GROUND), (role.Base, GROUND), (role.AlternateBase, SURFACE), (role.Button, RAISED),
        (role.WindowText, INK), (role.Text, INK), (role.ButtonText, INK), (role.ToolTipBase, RAISED),
        (role.ToolTipText, INK), (role.Highlight, ACCENT), (role.HighlightedText, ACCENT_INK),
        (role.PlaceholderText, FAINT), (role.Link, ACCENT),
    ):  # fmt: skip
        palette.setColor(part, QColor(colour))
    app.setPalette(palette)
    app.setStyleSheet(STYLE)
