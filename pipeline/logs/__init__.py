"""What an engine says of itself: structured lines, kept in files, shown to people, without secrets."""
