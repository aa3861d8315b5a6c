"""The demo: a marketplace that sells for a while, PSPs that fail, and books that must hold."""
