"""Assay: measurement sessions in, datasets that people can trust out."""

__version__ = "0.1.0"
