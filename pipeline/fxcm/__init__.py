"""FXCM's prices through its own SDK, which blocks: in a thread of its own, behind a narrow port."""
