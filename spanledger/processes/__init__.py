"""The three processes under the supervisor, one file each. `python -m spanledger.processes.NAME` is run by it alone."""
