"""Stripe's API v1 as far as clearhouse uses it: payment intents, charges, payment methods."""
