"""Steps (every gradient), the loop (which knows no model), and the run that ties them together."""
