"""Many runs from one command: matrix, configs and survey say what to run, an executor says how."""
