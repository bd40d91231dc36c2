/**
 * The shop's operator, as the script that its image runs: for every Catalog it creates a Pod. The image of that Pod is
 * written nowhere, neither in the shop's files nor in the operator's: its name is put together from pieces here and from
 * the Catalog's edition. That makes it invisible to whoever reads files.
 *
 * busybox has no way to check the API server's certificate; an operator for production would.
 */
export const catalogOperator = String.raw`#!/bin/sh
set -eu
account=/var/run/secrets/kubernetes.io/serviceaccount
namespace=$(cat $account/namespace)
api=https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT

call() {
  wget -q -O - -U catalog-operator/0.4 --no-check-certificate --header "Authorization: Bearer $(cat $account/token)" "$@"
}

pod() {
  cat <<JSON
{
  "apiVersion": "v1",
  "kind": "Pod",
  "metadata": {
    "name": "catalog-$name",
    "labels": { "app.kubernetes.io/name": "catalog-indexer", "app.kubernetes.io/managed-by": "catalog-operator" },
    "ownerReferences": [
      { "apiVersion": "shop.example/v1", "kind": "Catalog", "name": "$name", "uid": "$uid", "controller": true }
    ]
  },
  "spec": {
    "containers": [
      {
        "name": "indexer",
        "image": "$host.$domain/$team/catalog-$role:$edition",
        "readinessProbe": { "httpGet": { "port": 8080 }, "periodSeconds": 1 }
      }
    ]
  }
}
JSON
}

field() { echo "$catalog" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

host=ghcr domain=io team=shop role=indexer
while true; do
  call "$api/apis/shop.example/v1/namespaces/$namespace/catalogs" | sed 's/"kind":"Catalog",/\n&/g' | sed 1d |
    while read -r catalog; do
      name=$(field name) uid=$(field uid) edition=$(field edition)
      pods=$api/api/v1/namespaces/$namespace/pods
      call "$pods/catalog-$name" >/dev/null 2>&1 && continue
      echo "creating the indexer of catalog $name"
      call --header 'Content-Type: application/json' --post-data "$(pod)" "$pods" >/dev/null || echo "not created, trying again"
    done || echo "the API server did not answer, trying again"
  sleep 1
done
`;
