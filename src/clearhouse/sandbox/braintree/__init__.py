"""Braintree as the sandbox speaks it: REST with XML, API version 6, for the unmodified SDK.

The rooms, from the wire inwards: ``routes`` and ``vault_routes`` (addresses), ``wire``
(credentials, documents) → ``sale``, ``operations``, ``search``, ``vault`` (what a request does)
→ ``request_keys``, ``store`` (what is remembered) → ``transaction``, ``triggers``, ``nonces``,
``criteria`` (pure rules) → ``render``, ``instruments``, ``errors`` → ``markup`` (XML).
"""
