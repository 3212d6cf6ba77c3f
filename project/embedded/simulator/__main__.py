"""`python -m project.embedded.simulator`: the simulator without Django's start."""

from project.embedded.simulator.command_line import main

main()
