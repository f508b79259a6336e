"""Many runs from one command: what to run (study, cells, survey, jobs) is apart from how (an executor)."""
