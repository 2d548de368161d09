"""The demonstration: a small studio is protected, ruined, and brought back."""
