#!/usr/bin/env bash
# Renders deploy/manifests from the chart, for those who don't use Helm. `make manifests` calls it.
#
#   deploy/render.sh [FOLDER]     HELM names the helm to use
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=$(realpath "${1:-manifests}")
helm=${HELM:-../.tools/bin/helm}

# render NAME WHAT VALUE...: writes NAME.yaml.
render() {
  local name=$1 what=$2
  shift 2
  local set=(--set image.repository=chaosd)
  for value in "$@"; do
    set+=(--set "$value")
  done
  {
    cat <<END
# chaosd $what.
# A dry run: it removes nothing, and has no right to.
#
# Rendered from deploy/chart by \`make manifests\`; do not edit. Push the image of the Dockerfile to
# your registry and name it below. For a configuration of your own, also a live one, render again, as
# the rights follow the configuration:
#   helm template chaosd deploy/chart --no-hooks --namespace chaosd --set image.repository=... \\
#     --set-file configFile=chaosd.yaml
---
apiVersion: v1
kind: Namespace
metadata:
  name: chaosd
  labels:
    pod-security.kubernetes.io/enforce: restricted
END
    "$helm" template chaosd chart --no-hooks --namespace chaosd "${set[@]}"
  } >"$out/$name.yaml"
}

render cluster "for a whole cluster"
render namespaced "for the namespace shop alone, without a ClusterRole" \
  "config.namespaces={shop}" "config.seed=chaosd"
