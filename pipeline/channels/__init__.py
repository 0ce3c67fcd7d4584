"""The channels a feed is published on and heard by: their names, their messages, how these are signed and read."""
