"""`python -m cli`: the command line, for processes that start others of this program."""

from cli.main import main

main()
