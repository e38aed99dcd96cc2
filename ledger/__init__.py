"""The books: journal, columnar store, calls and money. No sockets, no web; imports nothing of ours but itself."""
