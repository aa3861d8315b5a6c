"""Proof: anybody can check that no buyer was charged twice and no cent was lost.

The one room that reads the books of all services, since comparing them is its purpose; it
reads only, in one snapshot, and no service depends on it.
"""
