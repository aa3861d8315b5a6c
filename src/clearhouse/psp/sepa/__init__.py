"""Euro payouts by ISO 20022 files: pain.001 to the bank, pain.002, camt and pacs.004 back."""
