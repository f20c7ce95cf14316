"""`python -m service.cli` is `vigil`."""

from service.cli import main

if __name__ == "__main__":
    main()
