"""Where pictures come from, how they are degraded, and how they become batches."""
