"""What was measured: the figures of record, and the tables, cards and pictures that tell them."""
