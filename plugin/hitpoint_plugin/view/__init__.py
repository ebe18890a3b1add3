"""Widgets. Each is bound to the model, shows what it says, and calls its methods; none talks to another."""
