# One image for every role: `docker run IMAGE agent`, `... operator`, `... run -f /manifests`.
# Node 24.21.0 on Debian 12, as an index of all platforms; the digest of that version's tag in November 2026.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:2fe369e969550cde8e867afc3fe370b260140cab4a23d467074295b42163d553

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts
COPY tsconfig.json ./
COPY core core
COPY connectors connectors
COPY coordination coordination
COPY process process
COPY agent agent
COPY operator operator
COPY fleet fleet
COPY api api
COPY cli cli
COPY web web
# dist/ contains no tests, and nothing that only tests need.
RUN find . -path ./node_modules -prune -o -name '*.test.ts' -print -exec rm {} + \
 && node_modules/.bin/tsc -p tsconfig.json --noCheck \
 && node web/build.ts \
 && mkdir -p dist/web && mv web/dist dist/web/dist \
 && npm prune --omit=dev --ignore-scripts \
 && rm -rf node_modules/better-sqlite3/deps node_modules/better-sqlite3/src

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Idra" \
      org.opencontainers.image.description="Keeps data in sync between systems, declaratively, on Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
COPY bin bin
# For `kubectl exec`.
RUN ln -s /app/bin/idra /app/bin/kubectl-idra /usr/local/bin/
ENV NODE_ENV=production MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=65536
USER 65532:65532
# Like bin/idra, but without a shell.
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=4", "--heap-growing-percent=50", "--disable-warning=TimeoutNegativeWarning", "/app/dist/cli/main.js"]
