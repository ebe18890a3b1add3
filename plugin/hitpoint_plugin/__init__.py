"""The editor's side of Hitpoint: the panel and the host connectors. GPL-3.0-only, because PyQt6 is."""
