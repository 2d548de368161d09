"""``python -m covenant``."""

from covenant.cli.main import main

if __name__ == "__main__":
    main()
