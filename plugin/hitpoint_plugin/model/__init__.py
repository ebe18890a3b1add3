"""What the panel knows and does, without a single widget. Widgets bind to signals and call methods."""
