"""One module or package per source of sessions, found by being in this room.

It offers SOURCE (the name in the manifest) and `read_session(manifest, files) -> SessionContent`, which turns what it cannot read
into problems and raises nothing.
"""
