"""Where packets come from: capture files and live interfaces, as blocks of raw packets."""
