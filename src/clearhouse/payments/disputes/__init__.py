"""Disputes: money that a buyer's bank asks back, held, returned or taken, never twice."""
