# One image for every process of Rialto: the services, the migrator and the set-up of an installation. The command says which.
# The version of Node is the one that package.json pins.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /rialto
COPY . .
RUN npm ci --no-audit --no-fund && npx vite build apps/web

FROM node:24.21.0-bookworm-slim
WORKDIR /rialto
ENV NODE_ENV=production NODE_COMPILE_CACHE=/tmp/compiled
COPY . .
# The image has its own Node, and PostgreSQL has its own container: neither is needed from npm. Install scripts stay off but for our own patch.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && \
    node libs/crypto/patch/patch-ts-mls.mjs && \
    npm cache clean --force && \
    mkdir -p /secrets /data && chown node:node /secrets /data
COPY --from=build /rialto/apps/web/dist apps/web/dist
USER node
ENTRYPOINT ["node", "tools/start/container.mjs"]
