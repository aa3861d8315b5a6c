"""clearhouse: a payment system that a marketplace runs itself."""

__version__ = "0.1.0"
