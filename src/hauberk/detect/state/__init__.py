"""State of detection as plain data and arrays: encode, decode, files, resumption."""
