"""`python -m orchestration.computing`: see `computer`, whose classes are sent and so must be known by its name."""

from orchestration.computing.computer import main

main()
