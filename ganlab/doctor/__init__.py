"""`ganlab doctor`: what this machine has, and whether its accelerators compute what its processor does."""
