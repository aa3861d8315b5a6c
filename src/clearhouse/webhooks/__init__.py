"""Webhooks: what PSPs tell us, authenticated and kept until it is understood."""
