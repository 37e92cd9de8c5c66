# The web page and the commands of cdfi, for a CPU or an NVIDIA GPU:
#   docker build -t cdfi .
#   docker build -t cdfi:cuda --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /source
RUN python -m venv /opt/cdfi
# torch first and alone: it changes less often than cdfi.
COPY constraints.txt ./
RUN /opt/cdfi/bin/pip install --constraint constraints.txt --index-url "${TORCH_INDEX}" torch
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN /opt/cdfi/bin/pip install --constraint constraints.txt '.[web,evaluation,hub]'

FROM python:${PYTHON}-slim
COPY --from=build /opt/cdfi /opt/cdfi
# Downloads, compiled kernels and the jobs of the web page are kept in one volume.
ENV PATH=/opt/cdfi/bin:$PATH \
    CDFI_CACHE=/data/cache \
    NUMBA_CACHE_DIR=/data/cache/numba \
    HF_HOME=/data/cache/huggingface \
    HOME=/data \
    PYTHONUNBUFFERED=1
RUN useradd --uid 1000 --no-create-home --home-dir /data cdfi \
    && mkdir -p /data/serve /data/cache \
    && chown -R cdfi /data
USER 1000
VOLUME /data
WORKDIR /data
EXPOSE 8377
ENTRYPOINT ["cdfi"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8377", "--data", "/data/serve"]
