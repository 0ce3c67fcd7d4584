"""A broker of our own, without hosts or clocks: its book of accounts, its contracts, its statements, its faults.

`House` is what is so: it takes orders, settles contracts, states accounts. `Line` is what an engine hears of it, over a
wire that may fail as `faults` say. Both are told every moment; the same moments make the same book. `desk` drives them
for a flow; a server may do so for other processes.
"""
