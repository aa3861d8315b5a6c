"""Debts of sellers that nobody will pay, written off as losses of the platform."""
