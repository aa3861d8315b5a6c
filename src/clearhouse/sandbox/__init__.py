"""Servers that speak the wire protocols of Stripe, Braintree, Square and a bank, with faults.

Why: the official SDKs work against it unmodified, so every adapter is tested with the
code that will meet the real PSP, and every way in which a PSP can fail can be asked for.
It keeps the truth (what "really happened", durable across kill -9), so a checker can
compare the books with it. It imports the kernel alone and nothing of clearhouse imports
it but the command line and the tests.
"""
