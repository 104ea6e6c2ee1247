"""Whether there is a network, told in seconds."""

import contextlib
import socket
import threading
import urllib.parse
import urllib.request


def reachable(address: str, seconds: float = 3.0) -> bool:
    """Whether a connection to a web address, or to the proxy for it, can be opened."""
    try:
        url = urllib.parse.urlsplit(_proxy(address) or address)
        port = url.port or {"http": 80, "socks5": 1080, "socks5h": 1080}.get(url.scheme, 443)
    except ValueError:  # a proxy's address that is none
        return False
    opened = threading.Event()

    def connect() -> None:
        with contextlib.suppress(OSError, UnicodeError):
            socket.create_connection((url.hostname, port), seconds).close()
            opened.set()

    trial = threading.Thread(target=connect, daemon=True)  # looking a name up has no time limit
    trial.start()
    trial.join(seconds)
    return opened.is_set()


def _proxy(address: str) -> str:
    """The proxy for a web address, as requests finds it, or ""."""
    url, proxies = urllib.parse.urlsplit(address), urllib.request.getproxies()
    if urllib.request.proxy_bypass(url.hostname or ""):
        return ""
    proxy = proxies.get(url.scheme) or proxies.get("all") or ""
    return proxy if "://" in proxy or not proxy else f"http://{proxy}"
