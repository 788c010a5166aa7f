"""The vocabulary every room shares. No behaviour, no input or output."""
