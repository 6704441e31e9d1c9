# One image for the API, the worker and the command line; what it is called with decides.
#
#   docker build -t payments .
#   docker run --env-file .env -p 5004:8080 payments            # the API
#   docker run --env-file .env payments worker                  # what happens by itself
#   docker run --rm --env-file .env payments db migrate         # once for each release

ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV UV_SYSTEM_CERTS=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
WORKDIR /build
COPY scripts/bootstrap.py requirements.lock pyproject.toml ./
COPY packages packages
COPY apps apps
# The environment that builds is not the one that runs: uv and its like stay behind.
RUN python3 -m venv /opt/build \
    && python3 -m venv --without-pip /opt/payments \
    && /opt/build/bin/python bootstrap.py --into /opt/payments requirements.lock packages/* apps/* 'packages/payments-bootstrap[otel]'

FROM ${BASE}
LABEL org.opencontainers.image.title="payments" \
      org.opencontainers.image.description="A payment service: API, worker and command line" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --no-create-home payments
COPY --from=build /opt/payments /opt/payments
ENV PATH=/opt/payments/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HTTP__HOST=0.0.0.0 \
    HTTP__PORT=8080
USER 10001
EXPOSE 8080 9090
# Alive is enough here: whether it is ready is a question of its neighbours too.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health/live', timeout=2)"]
ENTRYPOINT ["payments"]
CMD ["serve"]
