#!/usr/bin/env bash
# Builds what tests against a real Kubernetes need into .tools/bin. Nothing of it is shipped.
#
#   tools/build.sh           the control plane: go.mod beside this file
#   tools/build.sh deploy    what checks the chart: deploy/go.mod
#
# What is there already, newer than its go.mod, is left alone; so is what KUBEBUILDER_ASSETS has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p ../.tools/bin
bin=$(cd ../.tools/bin && pwd)

case ${1:-} in
"")
  wanted="etcd etcdctl kube-apiserver kube-controller-manager kube-scheduler kubectl kwok"
  ;;
deploy)
  cd deploy
  wanted="helm"
  ;;
*)
  echo "usage: tools/build.sh [deploy]" >&2
  exit 2
  ;;
esac

package() {
  case $1 in
  etcd) echo go.etcd.io/etcd/server/v3 ;;
  etcdctl) echo go.etcd.io/etcd/etcdctl/v3 ;;
  kwok) echo sigs.k8s.io/kwok/cmd/kwok ;;
  helm) echo helm.sh/helm/v4/cmd/helm ;;
  *) echo "k8s.io/kubernetes/cmd/$1" ;;
  esac
}

missing=()
for name in $wanted; do
  [ -x "${KUBEBUILDER_ASSETS:-/nowhere}/$name" ] && continue
  [ -x "$bin/$name" ] && [ ! go.mod -nt "$bin/$name" ] && [ ! go.sum -nt "$bin/$name" ] && continue
  missing+=("$name")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi
if ! command -v go >/dev/null; then
  echo "Go is missing (https://go.dev/dl/), and so are: ${missing[*]}" >&2
  exit 1
fi

flags="-s -w"
if kube=$(go list -m -f '{{.Version}}' k8s.io/kubernetes 2>/dev/null); then
  # Kubernetes' own build writes its version in; without, the server says v0.0.0.
  minor=${kube#v1.}
  at=k8s.io/component-base/version
  flags+=" -X $at.gitVersion=$kube -X $at.gitMajor=1 -X $at.gitMinor=${minor%%.*}"
fi

packages=()
for name in "${missing[@]}"; do
  packages+=("$(package "$name")")
done
echo "Building ${missing[*]} (some minutes the first time) ..."
rm -rf "$bin.new"
mkdir "$bin.new"
# Without cgo no C compiler is needed.
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$flags" -o "$bin.new/" "${packages[@]}"
[ ! -e "$bin.new/server" ] || mv "$bin.new/server" "$bin.new/etcd"
touch "$bin.new"/*
mv -f "$bin.new"/* "$bin/"
rmdir "$bin.new"
