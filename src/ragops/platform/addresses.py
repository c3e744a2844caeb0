"""Addresses of servers: which of them are on this machine."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_this_machine(base_url: str) -> bool:
    """Whether an address is a loopback one: localhost, 127.0.0.0/8 or ::1."""
    try:
        host = urlsplit(base_url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name, or no address at all
        return False
