"""The command line: parse, build a request, call the engine, print the result."""
