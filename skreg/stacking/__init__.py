"""Which jobs share a stack, and where they are trained."""

from .training import train

__all__ = ["train"]
