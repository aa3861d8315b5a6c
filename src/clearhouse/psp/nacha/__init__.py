"""Dollar payouts by NACHA files: credits to the bank, returns and corrections back."""
