"""What XLA needs to compile a step well for a CPU: its flags, and dense layers written so that it copies less.

None of it changes what is computed, but for the rounding of sums in another order.
"""

import os

# XLA reads this when it first compiles; what the user sets comes last. Adam's update gives three arrays from four, in one loop.
_XLA_FLAGS = "--xla_backend_extra_options=xla_cpu_use_multi_output_fusion"
os.environ["XLA_FLAGS"] = f"{_XLA_FLAGS} {os.environ.get('XLA_FLAGS', '')}".strip()
