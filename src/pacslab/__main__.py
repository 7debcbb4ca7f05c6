"""Run the command line as ``python -m pacslab``."""

from pacslab.cli.main import main

if __name__ == "__main__":
    main()
