"""Plotly's JavaScript library inside a page: compressed, so that the page stays small, and named by its hash in the page's policy.

The browser unpacks it with ``DecompressionStream`` (WHATWG Compression Standard) and runs it as an inline script, which the
Content Security Policy (W3C CSP level 3, section 6.7.2) allows for exactly this text.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from functools import lru_cache
from importlib.resources import files

import plotly  # type: ignore[import-untyped]  # plotly carries no types


@lru_cache(maxsize=1)
def plotly_source() -> bytes:
    """The library as plotly ships it."""
    return files(plotly).joinpath("package_data", "plotly.min.js").read_bytes()


@lru_cache(maxsize=1)
def packed_plotly() -> str:
    """The library, gzip in base64: the same text every time."""
    return base64.b64encode(gzip.compress(plotly_source(), 9, mtime=0)).decode("ascii")


def script_hash(source: bytes) -> str:
    """An inline script as a policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source).digest()).decode('ascii')}'"


def policy(script: str) -> str:
    """The policy of a page with ``script`` and plotly and nothing else: no address can be reached from it.

    Plotly sets ``style`` attributes and draws heat maps as ``data:`` images, so both are allowed; neither loads anything.
    """
    allowed = f"{script_hash(script.encode())} {script_hash(plotly_source())}"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
