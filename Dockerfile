# Everything in one container, Redis included, for one machine without Compose:
#
#   docker build -t newsfeed/newsfeed .
#   docker run -p 127.0.0.1:3000:3000 -v newsfeed:/data newsfeed/newsfeed
#
# Up to the second FROM this is the same as in the Dockerfiles of the services, so
# that one build of these layers serves them all.
FROM golang:1.26-trixie AS build

# What every image holds besides its program: busybox for a shell, the authorities
# that sign certificates, a user, and a /tmp.
RUN apt-get update \
 && apt-get install -y --no-install-recommends busybox-static ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && mkdir -p /base/bin /base/etc/ssl/certs \
 && mkdir -m 1777 /base/tmp \
 && cp "$(command -v busybox)" /base/bin/busybox \
 && for applet in $(busybox --list); do [ "$applet" = busybox ] || ln -s busybox "/base/bin/$applet"; done \
 && cp /etc/ssl/certs/ca-certificates.crt /base/etc/ssl/certs/ \
 && echo 'newsfeed:x:65532:65532::/tmp:/bin/sh' >/base/etc/passwd \
 && echo 'newsfeed:x:65532:' >/base/etc/group

# Modules before sources: they change seldom, and a changed source does not
# download them again.
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download

# What takes long to compile comes before the version, so that a new commit that
# changes nothing here only links anew.
COPY internal internal
COPY services services
ENV CGO_ENABLED=0 GOFLAGS="-trimpath -buildvcs=false -tags=grpcnotrace"
RUN go build ./internal/... ./services/...

COPY cmd cmd
ARG VERSION=dev
ARG COMMIT=unknown
ENV LDFLAGS="-s -w -X newsfeed/internal/web.version=$VERSION -X newsfeed/internal/web.commit=$COMMIT"
RUN go build -ldflags "$LDFLAGS" -o /out/ $(ls services | sed 's,^,./cmd/,')

# The page. What npm installs before the sources, as with the modules above.
FROM node:24-trixie-slim AS page
WORKDIR /src
COPY frontend/package.json frontend/package-lock.json frontend/.npmrc ./
RUN npm ci
COPY frontend ./
RUN npm run build

FROM build AS server
COPY frontend frontend
COPY --from=page /src/dist frontend/dist
RUN go build -ldflags "$LDFLAGS" -o /out/ ./cmd/newsfeed

FROM debian:trixie-slim
ARG VERSION=dev
ARG COMMIT=unknown
LABEL org.opencontainers.image.title="newsfeed/newsfeed" \
      org.opencontainers.image.description="Newsfeed: all in one, with redis-server" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$COMMIT"
RUN apt-get update \
 && apt-get install -y --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /etc/redis /var/lib/redis \
 && mkdir /data \
 && chown 65532:65532 /data
COPY --from=build /base/etc/ssl /etc/ssl
COPY --from=server /out/newsfeed /usr/local/bin/newsfeed
WORKDIR /data
VOLUME /data
USER 65532:65532
EXPOSE 3000 5001 5002 5003 5004 5005
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=3s --timeout=2s --start-period=15s --retries=3 \
  CMD ["newsfeed", "health"]
CMD ["newsfeed", "up", "--all-interfaces", "--data-dir", "/data"]
