"""Payment service providers: one contract, and one folder per PSP that speaks it."""
