"""`python -m hitpoint`."""

from hitpoint.cli.app import main

main()
