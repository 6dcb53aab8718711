"""Every module here holds rules; the registry finds them by their being in this room."""
