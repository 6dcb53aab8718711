"""Data files of accepted recordings to processed files: one module per file type in `processors/`, one interface.

    processed/recordings/<processor>-<version>/<session>/<path of the raw file>/signals.parquet, preview.png

A processor is found by its being in the room. The key holds its name and version, so that what a new version makes stands beside
what the old one made.
"""
