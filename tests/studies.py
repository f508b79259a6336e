"""A small study for tests: three published experiments on digits and one on mnist."""

from pathlib import Path

PUBLISHED = """\
name,dataset,derived_from,epochs,latent_dim,generator_activation,fid
exp01,digits,GAN,1500,64,leaky_relu,3.5
exp02,digits,DCGAN,1500,64,relu,1.5
exp03,digits,LSGAN,4000,64,,2.5
exp04,digits,WGAN,4000,64,relu,9.0
exp11,mnist,GAN,4000,100,relu,0.1
"""
LAYOUT = """\
score: fid
tables:
  - title: "Table 1: experiments"
    columns: {derived_from: derived from, epochs: epochs}
  - title: "Table 2: generators"
    columns: {generator_activation: activation}
scores: {digits: "Table 3: scores"}
strips:
  - {title: Figure 1, name: exp01, steps: [1, 500, 1500]}
compare:
  derived_from: family
  epochs: train.steps
  latent_dim: latent.dim
  generator_activation: generator.hidden.*.activation
"""
# Facts are read of whole configs alone.
DISCRIMINATOR = """\
data: {{name: {dataset}}}
discriminator:
  layers: [Flatten, Dense: {{units: 1}}]
  optimizer: Adam
loss: non_saturating
"""


def write_study(studies: Path, name: str = "paper", published: str = PUBLISHED, layout: str | None = LAYOUT) -> Path:
    folder = studies / name
    folder.mkdir(parents=True)
    (folder / "published.csv").write_text(published)
    if layout is not None:
        (folder / "report.yaml").write_text(layout)
    return folder


def complete_config(run: Path, activation: str | None = None) -> Path:
    """Makes the config.yaml of a run that tests.run_folders wrote one that ganlab reads."""
    path = run / "config.yaml"
    text = path.read_text() + DISCRIMINATOR.format(dataset=run.parent.name)
    if activation:
        text = text.replace("    - Dense", f"    - Dense: {{units: 8}}\n    - {activation}\n    - Dense", 1)
    path.write_text(text)
    return run
