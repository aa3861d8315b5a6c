"""Braintree as the sandbox speaks it: REST with XML, API version 6, for the unmodified SDK.

The rooms, from the wire inwards: ``routes`` (addresses and credentials) → ``sale``,
``operations``, ``search`` (what a request does) → ``request_keys`` and ``store`` (what is
remembered) → ``transaction``, ``triggers``, ``nonces`` (pure rules) → ``markup`` (XML).
"""
