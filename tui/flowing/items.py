"""What stands in which layer of a graph, in which order and in which row."""

from collections.abc import Sequence

HEIGHT = 4
"""Rows of a box: two borders, two lines."""
PORT = 1
"""The row of a box at which edges come in and go out."""
SWEEPS = 6

Cell = tuple[int, int]


def turned_in(after: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """The edges without which nothing leads back to where it came from."""
    turned = list[tuple[int, int]]()
    state = [0] * len(after)  # 1 on the way there, 2 done
    for begin in range(len(after)):
        if state[begin]:
            continue
        state[begin] = 1
        way = [(begin, iter(after[begin]))]
        while way:
            node, targets = way[-1]
            for target in targets:
                if state[target] == 1:
                    turned.append((node, target))
                elif not state[target]:
                    state[target] = 1
                    way.append((target, iter(after[target])))
                    break
            else:
                state[node] = 2
                way.pop()
    return turned


def layers_of(after: Sequence[Sequence[int]]) -> list[int]:
    """Each behind all it takes from; what takes nothing stands right before the first it gives to."""
    layer, waits = [0] * len(after), [0] * len(after)
    for targets in after:
        for target in targets:
            waits[target] += 1
    begins = [node for node, count in enumerate(waits) if not count]
    ready = list(begins)
    for node in ready:
        for target in after[node]:
            layer[target] = max(layer[target], layer[node] + 1)
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    for node in begins:
        if after[node]:
            layer[node] = min(layer[target] for target in after[node]) - 1
    return layer


class Items:
    """Boxes, and the places between boxes where an edge of a source passes a layer (one for all its edges)."""

    def __init__(self, layer: Sequence[int], after: Sequence[Sequence[int]]) -> None:
        self.count = len(layer)
        self.layer = list(layer)
        self.net = list(range(self.count))
        """Whose edges these are."""
        self.before: list[list[int]] = [[] for _ in layer]
        self.after: list[list[int]] = [[] for _ in layer]
        self.passing: dict[Cell, int] = {}
        """The place at which a source's edges pass a layer."""
        self.layers: list[list[int]] = [[] for _ in range(max(layer, default=-1) + 1)]
        for node, of in enumerate(layer):
            self.layers[of].append(node)
        for source, targets in enumerate(after):
            for target in targets:
                self._join(self._reach(source, layer[target] - 1), target)
        self.rows = [0] * len(self.layer)

    def _reach(self, source: int, to: int) -> int:
        """The source, or its place in a layer farther on."""
        here = source
        for layer in range(self.layer[source] + 1, to + 1):
            place = self.passing.get((source, layer))
            if place is None:
                place = self.passing[source, layer] = len(self.layer)
                self.layer.append(layer)
                self.net.append(source)
                self.before.append([])
                self.after.append([])
                self.layers[layer].append(place)
                self._join(here, place)
            here = place
        return here

    def _join(self, source: int, target: int) -> None:
        self.after[source].append(target)
        self.before[target].append(source)

    def order(self) -> None:
        """Within each layer by the middle of what they are joined with, now in one direction, now in the other."""
        place = [0.0] * len(self.layer)
        for row in self.layers:
            for at, item in enumerate(row):
                place[item] = float(at)
        for sweep in range(SWEEPS):
            joined = self.after if sweep % 2 else self.before
            for row in reversed(self.layers) if sweep % 2 else self.layers:
                middle = [
                    sum([place[each] for each in others]) / len(others) if (others := joined[item]) else place[item]
                    for item in row
                ]
                row[:] = [item for _, item in sorted(zip(middle, row, strict=True))]
                for at, item in enumerate(row):
                    place[item] = float(at)

    def settle(self) -> None:
        """Rows: as near to what they are joined with as the order and the room allow; from the left, from the right,
        and from the left again so that no edge runs into the row of another."""
        rows = self.rows
        for row in self.layers:
            top = 0
            for item in row:
                rows[item] = top + (PORT if item < self.count else 0)
                top += HEIGHT + 1 if item < self.count else 1
        for joined, layers in ((self.before, self.layers), (self.after, self.layers[::-1])):
            for row in layers:
                self._pull(row, joined)
        for layer, row in enumerate(self.layers):
            self._pull(row, self.before)
            if layer:
                self._part(row, self.layers[layer - 1])
        top = min((rows[item] - (PORT if item < self.count else 0) for item in range(len(rows))), default=0)
        self.rows = [row - top for row in rows]

    def _pull(self, row: list[int], joined: list[list[int]]) -> None:
        """Move a layer's items towards what they are joined with, as little apart from there as possible."""
        rows = self.rows
        blocks = list[tuple[float, int]]()  # where the items of a block would like to be, and how many they are
        offset, offsets = 0, list[int]()
        for item in row:
            port = PORT if item < self.count else 0
            others = joined[item]
            wish = (sum([rows[each] for each in others]) / len(others) if others else rows[item]) - port
            offsets.append(offset + port)
            block = (wish - offset, 1)
            while blocks and blocks[-1][0] > block[0]:
                (before, count), (mean, more) = blocks.pop(), block
                block = ((before * count + mean * more) / (count + more), count + more)
            blocks.append(block)
            offset += HEIGHT + 1 if item < self.count else 1
        at = 0
        for mean, count in blocks:
            top = round(mean)
            for item in row[at : at + count]:
                rows[item] = top + offsets[at]
                at += 1

    def _part(self, row: list[int], before: list[int]) -> None:
        """Move down what stands in the row in which another edge leaves the layer before: one that is none of its own,
        or one that branches off to others where it has several of its own."""
        rows, after = self.rows, self.after
        leaving = {rows[item]: item for item in before if after[item]}
        free: int | None = None
        for item in row:
            port, size = (PORT, HEIGHT + 1) if item < self.count else (0, 1)
            at = rows[item] if free is None else max(rows[item], free + port)
            own = self.before[item]
            while own and (other := leaving.get(at)) is not None:
                if other in own and (len(own) == 1 or len(after[other]) == 1):
                    break
                at += 1
            rows[item] = at
            free = at - port + size
