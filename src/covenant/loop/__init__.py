"""What is due, and doing it: the loop that compares what was promised with what was done."""
