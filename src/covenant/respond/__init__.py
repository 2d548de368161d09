"""What is done when something is the matter: first of all, telling people."""
