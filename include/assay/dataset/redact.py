"""Takes personal and network details out of text before it is published: addresses, cloud identifiers, host names, absolute
paths.

Applied to every free text that comes from a raw file or a finding; a marker such as `<ip>` says what stood there.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"arn:aws[\w-]*:[^\s\"'<>]+"), "<arn>"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "<email>"),
    (re.compile(r"\b(?:ip|ec2)-\d{1,3}(?:-\d{1,3}){3}[\w.-]*"), "<host>"),
    (re.compile(r"\b[\w-]+(?:\.[\w-]+)*\.(?:internal|local|lan|localdomain)\b"), "<host>"),
    (re.compile(r"\b(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}\b"), "<mac>"),
    (re.compile(r"\b(?:i|vol|eni|subnet|vpc|sg|ami|snap|igw|acl|rtb|eipalloc|lt)-[0-9a-f]{8,17}\b"), "<id>"),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), "<key>"),
    (re.compile(r"(?<![\w.-])\d{12}(?![\w.-])"), "<account>"),
    (re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.]*\d)"), "<ip>"),
    # An option glued to its path, as in -I/usr/include or --sysroot=/opt: the option stays.
    (re.compile(r"(?<=[=\s])(-(?:I|L|B|isystem))/[\w.+@~/-]*|^(-(?:I|L|B|isystem))/[\w.+@~/-]*"), r"\1\2<path>"),
    (re.compile(r"(?<![\w./:>~-])~?/(?:[\w.+@~-]+/)*[\w.+@~-]+/?"), "<path>"),
    (re.compile(r"\b[A-Za-z]:\\[^\s\"'<>|]*"), "<path>"),
)
_IPV6_CANDIDATE = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?![\w:])")


@lru_cache(maxsize=65_536)
def redact(text: str) -> str:
    """The text without addresses, identifiers of accounts and machines, host names and absolute paths."""
    for pattern, marker in _PATTERNS:
        text = pattern.sub(marker, text)
    return _IPV6_CANDIDATE.sub(_without_ipv6, text)


def _without_ipv6(match: re.Match[str]) -> str:
    try:
        ipaddress.IPv6Address(match.group().rstrip("."))
    except ValueError:
        return match.group()
    return "<ip>"
