"""Every mark and stroke of the console in plain letters, for terminals that have no others. A cell stays a cell."""

_ALIKE = {
    "^": "▲▴↑△",
    "v": "▼▾↓▽",
    ">": "▶▸→›▷",
    "<": "◀◂←‹◁",
    "-": "─┈╌━┄╍−–—┉╴╶╸╺═",
    "|": "│┃┊┆╎╷╵╽╿╻╹║▏▎▕┇┋",
    "+": "╭╮╰╯┌┐└┘├┤┬┴┼┏┓┗┛┣┫┳┻╋╞╡╪╔╗╚╝╠╣╦╩╬",
    "#": "█▆▇▅▄▀▐▌▗▖▝▘▛▜▙▟▓■▒▋▊▉▍",
    ".": "·▁▂▃░∙",
    "*": "●◆◉◇○◌",
    "W": "✔✓",
    "X": "✖✗",
    "=": "⇄≈≡",
    '"': "‖❚",
    "x": "×",
    "~": "…",
    "@": "↺",
    "'": "‘’“”",
}
PLAIN = {ord(glyph): letter for letter, glyphs in _ALIKE.items() for glyph in glyphs} | {
    dot: "." if dot != 0x2800 else " " for dot in range(0x2800, 0x2900)
}
"""For `str.translate`; braille is a dot."""
