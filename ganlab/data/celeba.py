"""CelebA: 202,599 photos of faces, aligned, 178x218 colour (Liu, Luo, Wang, Tang 2015, arXiv 1411.7766).

For non-commercial research only. `ganlab prepare celeba` makes the images; no labels are read.
"""

from ganlab.data.photo_sources import KnownSource
from ganlab.data.prepared import load_prepared

SOURCE = KnownSource(
    files=("img_align_celeba.zip", "img_align_celeba"),
    crop="box",
    size=40,
    kaggle=("jessicali9530/celeba-dataset", "img_align_celeba"),
)
load = load_prepared
