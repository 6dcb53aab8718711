"""What happens after a snapshot was read back: its raw sessions are packed, the archive is proven, raw storage is cleaned; and
the way back, from an archive alone to the same documents.

Nothing imports this room but commands and orchestration.
"""
