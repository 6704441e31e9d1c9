# One image for the API, the worker, the command line and the Stripe simulator; the command decides.
#
#   docker build -t payments .
#   docker run --env-file .env -p 5004:8080 payments            # the API
#   docker run --env-file .env payments worker                  # what happens by itself
#   docker run --rm --env-file .env payments db migrate         # once for each release
#   docker run --entrypoint stripe-simulator payments           # for trying, without an account

# Both must have Python at the same place: the environment that the first fills runs on the second.
ARG BUILD_BASE=python:3.11-slim-bookworm
ARG BASE=python:3.11-slim-bookworm

FROM ${BUILD_BASE} AS build
ENV UV_SYSTEM_CERTS=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1
WORKDIR /build
COPY scripts/bootstrap.py requirements.lock pyproject.toml ./
COPY packages packages
COPY apps apps
# The environment that builds is not the one that runs: uv and its like stay behind, and so do the
# sources of what is compiled. Compiled modules stay: without them each start would take seconds more.
RUN python3 -m venv /opt/build \
    && python3 -m venv --without-pip /opt/payments \
    && /opt/build/bin/python bootstrap.py --into /opt/payments requirements.lock packages/* apps/* 'packages/payments-bootstrap[otel]' \
    && find /opt/payments -type f \( -name '*.c' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.map' \) -delete \
    && mkdir /build/data

FROM ${BASE}
LABEL org.opencontainers.image.title="payments" \
      org.opencontainers.image.description="A payment service: API, worker and command line" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/payments /opt/payments
# What the Stripe simulator keeps; a volume that is new takes its owner from here.
COPY --from=build --chown=10001:10001 /build/data /data
ENV PATH=/opt/payments/bin:$PATH \
    HOME=/nonexistent \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HTTP__HOST=0.0.0.0 \
    HTTP__PORT=8080
# A number alone: no account is needed, and a cluster can see that it is not root.
USER 10001:10001
EXPOSE 8080 9090 9091
# Alive is enough here: whether it is ready is a question of its neighbours too.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python3", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['HTTP__PORT']), timeout=2); c.request('GET', '/health/live'); sys.exit(c.getresponse().status != 200)"]
ENTRYPOINT ["payments"]
CMD ["serve"]
