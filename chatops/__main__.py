"""`python -m chatops`"""

from chatops.cli import main

if __name__ == "__main__":
    main(prog_name="chatops")
