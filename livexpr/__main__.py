"""``python -m livexpr`` is ``livexpr``."""

from livexpr.cli import main

if __name__ == "__main__":
    main()
