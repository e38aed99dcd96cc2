"""The program: command line, configuration and the supervisor of the three processes."""

__version__ = "0.1.0"
