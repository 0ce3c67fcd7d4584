"""Why a bar was traded or not, and what was known then."""
