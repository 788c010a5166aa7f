"""From packet columns to conversations: a fixed-size table in compiled code."""
