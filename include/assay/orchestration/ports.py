"""TCP ports of the local stack: free ones on 127.0.0.1, and a preferred one where it can be had."""

from __future__ import annotations

import socket

from assay.orchestration.environment import Ports

PREFERRED = 8080


def choose_ports(preferred: int | None = None) -> Ports:
    """Two free ports; the API gets the preferred one if nothing listens there."""
    with _listener(0) as logs:
        if preferred is not None:
            try:
                with _listener(preferred):
                    return Ports(api=preferred, logs=_number(logs))
            except OSError:
                pass  # taken: the caller sees another number and says so
        with _listener(0) as api:
            return Ports(api=_number(api), logs=_number(logs))


def _listener(port: int) -> socket.socket:
    """A socket that holds the port. Raises OSError if it is taken."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free for a server
        taken.bind(("127.0.0.1", port))
        taken.listen(1)
    except OSError:
        taken.close()
        raise
    return taken


def _number(held: socket.socket) -> int:
    return int(held.getsockname()[1])
