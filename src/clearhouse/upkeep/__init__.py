"""Upkeep: what is done with the tables of all services at once, such as archiving.

Like ``proof`` it looks at all services, and no service depends on it.
"""
