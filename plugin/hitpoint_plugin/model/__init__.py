"""What the panel knows and does, without a single widget. Widgets bind to its signals and call its methods."""
