"""``python -m clearhouse``: the same as the command ``clearhouse``."""

from clearhouse.cli import main

if __name__ == "__main__":
    main()
