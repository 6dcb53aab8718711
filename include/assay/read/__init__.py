"""Raw files to measurements: one module per tool in `tools/`, one per kind of session folder in `sources/`."""
