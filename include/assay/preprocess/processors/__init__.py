"""Every module here is a processor; the registry finds it by its being in this room."""
