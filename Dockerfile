# Production packages only. The npm package `node` is for development: the image brings its own Node.
FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --no-audit --no-fund

FROM node:24-slim
# Port 25 without root. In the host's network the kernel requires this capability, and only a file capability can give
# it to a user that is not root. A container that drops all capabilities must add NET_BIND_SERVICE back, or node does
# not start; `no-new-privileges` would remove it again.
RUN apt-get update \
  && apt-get install -y --no-install-recommends libcap2-bin \
  && setcap cap_net_bind_service=+ep /usr/local/bin/node \
  && apt-get purge -y --auto-remove libcap2-bin \
  && rm -rf /var/lib/apt/lists/*

WORKDIR /app
# CACHE_DIRECTORY holds Node.js's compile cache: a quicker start and less memory.
# HOLDFAST_CONFIG lets `docker exec NAME holdfast status` find the daemon.
ENV NODE_ENV=production CACHE_DIRECTORY=/var/cache/holdfast HOLDFAST_CONFIG=/config/holdfast.yaml
COPY package.json LICENSE* ./
COPY --from=packages /app/node_modules ./node_modules
COPY migrations ./migrations
COPY src ./src
COPY config /config

# `storage: sqlite:./data` is relative to /app: the link takes it to the volume, so that mail outlives the container.
RUN groupadd --gid 2525 holdfast \
  && useradd --uid 2525 --gid holdfast --no-create-home --home-dir /data --shell /usr/sbin/nologin holdfast \
  && install -d -o holdfast -g holdfast -m 0700 /data /var/cache/holdfast \
  && ln -s /data /app/data \
  && ln -s /app/src/holdfast.js /usr/local/bin/holdfast
USER holdfast
VOLUME /data

# Asks the daemon over its socket in the volume; set HOLDFAST_SOCKET if `admin.socket` is elsewhere.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "-e", "const path = process.env.HOLDFAST_SOCKET || '/data/admin.sock'; require('node:http').get({ socketPath: path, path: '/healthz' }, (answer) => process.exit(answer.statusCode === 200 ? 0 : 1)).on('error', () => process.exit(1));"]

# A stop takes at most 60 s: use `--stop-timeout 70`, and `--init`, without which a stop during the start is not noticed.
# config/compose.yaml sets both.
STOPSIGNAL SIGTERM
CMD ["node", "src/holdfast.js", "serve", "--config", "/config/holdfast.yaml"]
