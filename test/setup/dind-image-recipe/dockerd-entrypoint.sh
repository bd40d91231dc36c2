#!/bin/bash
# Starts dockerd as docker:dind does: over TLS at port 2376, with certificates below $DOCKER_TLS_CERTDIR, where that names a
# directory; else at port 2375. Arguments are dockerd's.
set -euo pipefail

# issue NAME USE [SUBJECT_ALTERNATIVE_NAMES]: a key and a certificate of our authority in $DOCKER_TLS_CERTDIR/NAME
issue() {
  mkdir -p "$DOCKER_TLS_CERTDIR/$1"
  cd "$DOCKER_TLS_CERTDIR/$1"
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout key.pem -out /tmp/request.pem
  printf 'extendedKeyUsage=%s\n%s\n' "$2" "${3:+subjectAltName=$3}" >/tmp/extensions
  openssl x509 -req -in /tmp/request.pem -CA ../ca/cert.pem -CAkey ../ca/key.pem -CAcreateserial -days 2 \
    -extfile /tmp/extensions -out cert.pem
  cp ../ca/cert.pem ca.pem
  chmod 644 key.pem # of the client: whichever user the job runs as reads it
}

listeners=(--host tcp://0.0.0.0:2375)
if [ -n "${DOCKER_TLS_CERTDIR:-}" ]; then
  mkdir -p "$DOCKER_TLS_CERTDIR/ca"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=engine's authority" \
    -keyout "$DOCKER_TLS_CERTDIR/ca/key.pem" -out "$DOCKER_TLS_CERTDIR/ca/cert.pem"
  issue server serverAuth "DNS:docker,DNS:localhost,DNS:$(hostname),IP:127.0.0.1,IP:$(hostname -i | cut -d' ' -f1)"
  issue client clientAuth
  cd "$DOCKER_TLS_CERTDIR/server"
  listeners=(--host tcp://0.0.0.0:2376 --tlsverify --tlscacert "$PWD/ca.pem" --tlscert "$PWD/cert.pem" --tlskey "$PWD/key.pem")
fi
# Where root lacks capabilities, containers do without them.
bounded=/usr/local/bin/runc-within-bounds
if [ -x $bounded ]; then listeners+=(--add-runtime "bounded=$bounded" --default-runtime bounded); fi
# Mounts of a cluster's node reach the containers in it, as on a machine of their own.
mount --make-rshared /
cd /
exec docker-init -- dockerd --host unix:///var/run/docker.sock "${listeners[@]}" "$@"
