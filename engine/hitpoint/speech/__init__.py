"""Where people speak in the clips' own sound."""
