"""What a net is for: its pipeline, its exported functions, its protocol."""
