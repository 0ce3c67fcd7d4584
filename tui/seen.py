"""What stands on the screen, as lines: for pictures and for tests."""

from textual.app import App
from textual.strip import Strip


def lines_of(app: App[None]) -> list[Strip]:
    """The lines of the screen in front. Textual has no public way to them."""
    return app.screen._compositor.render_strips(app.size)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001
