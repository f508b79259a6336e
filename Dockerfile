# CPU:         docker build -t ganlab .
# NVIDIA GPU:  docker build -t ganlab --build-arg EXTRAS=cuda .
# The extra `cuda` brings CUDA's libraries, so that the base image needs none; BASE may be any image with Python 3.11 or newer.
#
#     docker run --rm -v "$PWD":/work -v ganlab-cache:/cache [--gpus all] ganlab run my.yaml
ARG BASE=python:3.12-slim
FROM ${BASE}
ARG EXTRAS=
COPY pyproject.toml setup.cfg README.md LICENSE /ganlab/
COPY ganlab /ganlab/ganlab
COPY configs /ganlab/configs
COPY experiments /ganlab/experiments
RUN pip install --no-cache-dir "/ganlab${EXTRAS:+[$EXTRAS]}"
ENV GANLAB_CACHE=/cache
WORKDIR /work
ENTRYPOINT ["ganlab"]
