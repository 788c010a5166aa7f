"""Puts together what was taken apart on the way: IP fragments and TCP segments. Bounded in bytes and in number."""
