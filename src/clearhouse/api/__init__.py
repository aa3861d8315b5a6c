"""HTTP: parse, call one service, render. No rule of money is made here."""
