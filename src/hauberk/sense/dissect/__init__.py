"""Dissectors: one file per protocol, bytes in, messages out, no input or output."""
