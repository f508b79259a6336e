"""Trains many runs by one command. `matrix`, `configs` and `survey` find the runs; an executor trains them."""
