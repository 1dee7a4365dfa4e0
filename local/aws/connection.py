"""Asks an embedded AWS whether a cache would take a token (local/aws/connecting.py)."""

import json
import urllib.error
import urllib.request

PATH = "/_local/connect"
REQUEST_SECONDS = 10.0


def refusal(endpoint_url: str, user: str, token: str) -> str | None:
    """Why not; None when it would. Raises OSError when the embedded AWS is stopped."""
    body = json.dumps({"user": user, "token": token}).encode()
    request = urllib.request.Request(f"{endpoint_url}{PATH}", body, method="PUT")  # noqa: S310 -- loopback
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=REQUEST_SECONDS):
            return None
    except urllib.error.HTTPError as refused:
        with refused:
            return str(json.load(refused)["because"])
