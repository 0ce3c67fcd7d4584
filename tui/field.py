"""Lines and texts that one types on: keys are done in the order in which they were pressed."""

from typing import cast

from textual import events
from textual.app import App
from textual.widgets import Input, TextArea


async def in_turn(field: Input | TextArea, event: events.Key) -> None:
    """Do a field's own key before the letters that come behind it.

    Textual has a field take a letter itself, but a key such as backspace or down done by the app, which hears of it
    later: of keys that come at once, as over a slow line, the letters would overtake the others.
    """
    own = None if event.is_printable else field.screen.active_bindings.get(event.key)
    if own is not None and own.node is field and own.enabled and not own.binding.priority:
        app = cast(App[None], field.app)  # pyright: ignore[reportUnknownMemberType]  # Textual leaves it open
        if await app.run_action(own.binding.action, field):  # what it passes on is of what it stands in
            event.stop()
            event.prevent_default()


class Field(Input):
    """A line to type on."""

    async def on_key(self, event: events.Key) -> None:
        await in_turn(self, event)
