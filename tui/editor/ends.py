"""Lines and what ends them: a line that nobody touched keeps its end, whatever the others have."""

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher


def with_ends_of(before: str, lines: Sequence[str]) -> str:
    """A text of these lines, each that stood in the one before with the end it had there."""
    bare = before.splitlines()
    ends = [line[len(text) :] for line, text in zip(before.splitlines(keepends=True), bare, strict=True)]
    counted = Counter(end for end in ends if end)
    usual = counted.most_common(1)[0][0] if counted else "\n"
    if len(counted) <= 1:
        return usual.join(lines)
    kept = [usual] * len(lines)
    for mine, theirs, size in SequenceMatcher(None, bare, lines, autojunk=False).get_matching_blocks():
        for step in range(size):
            kept[theirs + step] = ends[mine + step] or usual
    return "".join(line + end for line, end in zip(lines[:-1], kept, strict=False)) + (lines[-1] if lines else "")
