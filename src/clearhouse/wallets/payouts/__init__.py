"""Payouts: what sellers are paid out of their wallets, decided here and sent over rails."""
