"""`python -m spanledger`: the same as the command `spanledger`."""

from spanledger.cli import main

if __name__ == "__main__":
    main()
