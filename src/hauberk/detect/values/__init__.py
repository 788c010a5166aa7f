"""What machines are told and what they say: models of process values, of commands as of readings."""
