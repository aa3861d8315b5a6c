"""Money, ids, time and errors: the values every floor speaks, without any I/O.

Why a floor of its own: a seeded simulation drives the whole system by handing in
its own clock and randomness, which works only if nobody else reads them.
"""
