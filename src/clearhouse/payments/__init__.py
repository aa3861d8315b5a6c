"""Payment events and payment orders: accepted, executed at a PSP, and known to the end."""
