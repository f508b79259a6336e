"""Loads what `ganlab run` loads on TensorFlow, and computes nothing: TensorFlow starts its threads with a first computation."""

from ganlab.backends.select import select_backend

select_backend("tensorflow")

import ganlab.backends.tensorflow  # noqa: E402
import ganlab.cli.run  # noqa: E402
import ganlab.experiment  # noqa: E402
import ganlab.flows.session  # noqa: E402, F401
