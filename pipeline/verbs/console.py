"""x"""


def options(parser): ...
def run(options):
    return 0
