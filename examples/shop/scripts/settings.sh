#!/bin/sh
# Settings come from the image's file and, for what differs between sites, from the environment of the launch.
set -eu
kubectl create configmap shop-settings --namespace shop \
  --from-file=../../../etc/shop.properties --from-literal=currency="${SHOP_CURRENCY:-EUR}" \
  --dry-run=client --output=yaml | kubectl apply -f -
