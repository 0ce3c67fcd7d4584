"""The store of bars and quotes: Parquet files by product and time, what is read into it, and what is read out of it."""
