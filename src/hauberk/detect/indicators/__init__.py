"""What is known to be bad, and whether the traffic touches it."""
