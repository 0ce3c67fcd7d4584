"""How approved tickets become orders, and how each is followed until evidence has ended it."""
