"""One file with all that somebody elsewhere needs to make a decision again, and without any secret."""
