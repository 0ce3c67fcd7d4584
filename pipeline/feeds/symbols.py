"""What a venue calls our products: what the user says, else one of the usual names; nothing is guessed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pipeline.tables import nearest


class Naming(NamedTuple):
    """How a venue names what it quotes."""

    venue: str
    usual: Mapping[str, str]
    """What it calls products that everybody knows, where nothing else is said."""
    form: re.Pattern[str]
    example: str

    def symbols(self, products: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
        """Each product's symbol; a ValueError that begins with the key that is wrong."""
        if len(set(products)) < len(products):
            raise ValueError("products names one twice; name each once")
        if spare := next((name for name in given if name not in products), None):
            raise ValueError(f"symbols names {spare!r}, which is no product of this source; {nearest(spare, products)}")
        unknown = [product for product in products if product not in given and product not in self.usual]
        if unknown:
            table = ", ".join(f'{_key(each)} = "{self.example}"' for each in unknown)
            raise ValueError(
                f"symbols does not say what {' and '.join(unknown)} {'is' if len(unknown) == 1 else 'are'} called at "
                f"{self.venue}; add symbols = {{ {table} }} with its own names"
            )
        made = {product: given.get(product) or self.usual[product] for product in products}
        for product, symbol in made.items():
            if not self.form.fullmatch(symbol):
                raise ValueError(
                    f"symbols says {product} is {symbol!r}, which is no name of {self.venue}; write {self.example!r}"
                )
        alike = next((each for each in made.values() if list(made.values()).count(each) > 1), None)
        if alike is not None:
            both = " and ".join(product for product, symbol in made.items() if symbol == alike)
            raise ValueError(f"symbols makes {both} one and the same, {alike!r}; give each its own")
        return made

    def assumed(self, products: Sequence[str], given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Products and their symbols that nobody said, where the two differ by more than how they are written."""
        for product in products:
            if product not in given and product in self.usual:
                symbol = self.usual[product]
                if re.sub(r"\W|_", "", symbol) != product:
                    yield product, symbol


def _key(product: str) -> str:
    return product if re.fullmatch(r"[A-Za-z0-9_-]+", product) else f'"{product}"'
