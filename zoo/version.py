"""The version of the package, alone: what knows no more can know this."""

__version__ = "0.2.0"
