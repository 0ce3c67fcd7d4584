"""How the tests are run.

A property is tried on fifty examples unless its test says on how many. None fails for being slow: tests run beside each
other, and how long one takes then says nothing.
"""

from hypothesis import settings

settings.register_profile("house", max_examples=50, deadline=None)
settings.load_profile("house")
