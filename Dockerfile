# The local exchange in a container, for clients of any language: no key, no network, no money.
#
#   docker build -t paydown-sandbox .
#   docker run --rm -p 127.0.0.1:8087:8087 -v paydown-sandbox:/data paydown-sandbox
#
# --allow-remote is needed inside, where loopback is the container's own. Publish the port to the loopback address
# of the host, as above: the sandbox gives play money to anybody who asks.
FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements/build.txt requirements/sandbox.txt pyproject.toml README.md LICENSE ./
COPY src ./src
COPY generated_client ./generated_client
# What comes from elsewhere is pinned with its hashes, the build's own tools too; the build itself fetches nothing.
RUN python -m venv /opt/paydown \
 && python -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --require-hashes -r build.txt \
 && /opt/build/bin/pip wheel --no-cache-dir --no-index --no-build-isolation --no-deps --wheel-dir /wheels . \
 && /opt/paydown/bin/pip install --no-cache-dir --require-hashes -r sandbox.txt \
 && /opt/paydown/bin/pip install --no-cache-dir --no-index --no-deps /wheels/*.whl

FROM python:3.13-slim
RUN useradd --system --uid 10087 --create-home sandbox && install -d -o sandbox /data
COPY --from=build /opt/paydown /opt/paydown
USER 10087
VOLUME /data
EXPOSE 8087
HEALTHCHECK --interval=5s --timeout=3s --start-period=5s \
  CMD ["/opt/paydown/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8087/papi/v1/ping', timeout=2)"]
ENTRYPOINT ["/opt/paydown/bin/paydown", "sandbox", "--host", "0.0.0.0", "--port", "8087", "--allow-remote", "--data", "/data/exchange.db"]
