# The service in a container: docs/deployment.md has what it promises.
#
# Debian and not a static binary on nothing: COORD_REPO_ROOT needs git in any case, the C library is the one that the tests
# run on, and its allocator does not slow threads down.

FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bins \
    && mkdir /out \
    && find target/release -maxdepth 1 -type f -name 'coord*' -perm -u+x -exec cp {} /out/ \; \
    && strip /out/*

FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="coord" org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 coord \
    && useradd --uid 10001 --gid coord --home-dir /data --no-create-home --shell /usr/sbin/nologin coord \
    && install --directory --owner coord --group coord --mode 0700 /data
COPY --from=build /out/ /usr/local/bin/

ENV COORD_HOST=0.0.0.0 \
    COORD_PORT=8080 \
    COORD_DATABASE_PATH=/data/coordination.db
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD COORD_API_URL="http://127.0.0.1:${COORD_PORT:-8080}" coord status --json
ENTRYPOINT ["coord"]
CMD ["serve"]
