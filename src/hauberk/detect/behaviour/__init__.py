"""What each device usually does, and evidence that it does something else."""
