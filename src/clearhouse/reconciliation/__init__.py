"""Reconciliation: our own books, the PSPs' reports and the bank's statements, line by line."""
