"""One module per program whose output is read, found by being in this room.

A module offers TOOL (the program's name as `execution.json` gives it under `implementation`), BENCHMARK, and
`read(raw, context) -> list[Measurement]`, which raises Unreadable with the line number and never returns a part. Where the
numbers stand in another file than stdout, it names it in OUTPUT. What several readers share has a name that begins with an
underscore.
"""
