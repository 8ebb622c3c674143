"""Names of the devices that log in, so that people recognize their own."""

import re

# What a User-Agent contains, the most specific first: all browsers claim to be Mozilla, most also
# to be Safari.
APPS = {
    "Electron/": "Desktop app",
    "Dart/": "Mobile app",
    "Edg": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
PRODUCT = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,29}", re.ASCII)
UNKNOWN = "Unknown app"


def device_of(user_agent: str) -> str:
    """Return a short name such as `Chrome on Windows`; of others, their product's: `curl`."""
    app = _first(APPS, user_agent)
    if not app:
        product = PRODUCT.match(user_agent)
        return product[0] if product else UNKNOWN
    system = _first(SYSTEMS, user_agent)
    return f"{app} on {system}" if system else app


def _first(names: dict[str, str], user_agent: str) -> str:
    return next((name for part, name in names.items() if part in user_agent), "")
