"""One run, step by step in event time, with the money so far. Used alike by command line, API and page."""
