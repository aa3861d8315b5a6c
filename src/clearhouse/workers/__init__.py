"""The loops: executors that call PSPs, consumers, and maintenance."""
