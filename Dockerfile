# syntax=docker/dockerfile:1
# The engine in a container: nobody is root, no shell is needed at run time, only /flow is written.
#
#   docker build -t moonlight .
#   docker run --init --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     --stop-timeout 60 -v moonlight-flow:/flow moonlight

FROM python:3.13-slim-bookworm AS build
RUN apt-get update \
    && apt-get install --yes --no-install-recommends build-essential \
    && rm -rf /var/lib/apt/lists/*
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_INPUT=1
WORKDIR /app
COPY requirements.txt requirements-build.txt ./
RUN python -m venv /venv \
    && /venv/bin/python -m pip install --require-hashes -r requirements-build.txt \
    && /venv/bin/python -m pip install --require-hashes --no-build-isolation -r requirements.txt \
    && /venv/bin/python -m pip uninstall --yes cython setuptools wheel pip
COPY operators operators
COPY pipeline pipeline
COPY sinks sinks
COPY sources sources
COPY tui tui
COPY flows.toml LICENSE ./
RUN /venv/bin/python -m compileall -q /venv/lib /app \
    && mkdir -m 700 /flow \
    && cp flows.toml /flow/flows.toml

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="Moonlight" org.opencontainers.image.licenses="MIT"
COPY --from=build /venv /venv
COPY --from=build /app /app
COPY --from=build --chown=10001:10001 /flow /flow
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PYTHONUTF8=1 HOME=/flow
USER 10001:10001
WORKDIR /flow
VOLUME ["/flow"]
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=20s --start-period=120s --retries=3 \
    CMD ["python", "-m", "pipeline.operations.alive", "/flow/data"]
ENTRYPOINT ["python", "-m", "pipeline"]
CMD ["run", "/flow/flows.toml"]
