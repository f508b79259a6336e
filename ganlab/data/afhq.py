"""AFHQ: photos of cats, dogs and wild animals' faces, 512x512 colour (Choi, Uh, Yoo, Ha 2020, "StarGAN v2").

CC BY-NC 4.0. `ganlab prepare afhq` makes the images; the faces are centred already, so none is searched for.
"""

from ganlab.data.photo_sources import KnownSource
from ganlab.data.prepared import load_prepared

SOURCE = KnownSource(files=("afhq.zip", "train"), crop="center", size=64)
load = load_prepared
