"""Statements: what a wallet had, all that moved it, and what it had then."""
