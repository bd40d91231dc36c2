# Programs that are found, or built from Go modules; to be sourced after machine.sh.
# Go checks every module against its checksum database, so a version is enough to pin the bytes.

bin=$setup_cache/bin
mkdir -p "$bin"

version_of() {
  case $1 in
    kind) "$2" version -q ;;
    helm) "$2" version --template '{{.Version}}' ;;
    crane) "$2" version ;;
    buildctl | buildkitd | registry) "$2" --version | sed -n 's/.* \(v[0-9.]*\).*/\1/p' ;;
  esac 2>/dev/null || true
}

# provide NAME VERSION PACKAGE LDFLAGS: an older tool on PATH is left alone and not used; Helm 4 is another program.
provide() {
  local name=$1 version=$2 package=$3 flags=$4 found
  for found in "$bin/$name" "$(type -P "$name" || true)"; do
    [ -x "$found" ] || continue
    [ "$name" != helm ] || [[ $(version_of helm "$found") == v3.* ]] || continue
    if at_least "$version" "$(version_of "$name" "$found")"; then
      [ "$found" = "$bin/$name" ] || ln -sf "$found" "$bin/$name"
      return
    fi
  done
  has go || fail "$name $version is missing and there is no Go to build it" \
    "Put $name on PATH, or install a current Go (https://go.dev/dl; Debian 12's own is too old)."
  say "tools: building $name $version with $(go env GOVERSION)"
  local stage
  stage=$(mktemp -d "$bin/.build-XXXXXX")
  if ! build "$stage/$name" "$package" "$version" "-s -w $flags"; then
    rm -rf "$stage"
    fail "$name $version does not build" "Go's own message is above."
  fi
  mv "$stage/$name" "$bin/$name"
  rmdir "$stage"
}

# build FILE PACKAGE VERSION LDFLAGS: by a module made for it, since `go install` refuses one that excludes others' versions.
# A static binary, because helm also goes into an image that holds no libc.
build() {
  local module
  module=$(mktemp -d)
  (
    cd "$module"
    export CGO_ENABLED=0 GOFLAGS="-trimpath -mod=mod"
    go mod init tools && go get "$2@$3" && go build -ldflags "$4" -o "$1" "$2"
  ) 2>"$module/log" || { cat "$module/log" >&2; rm -rf "$module"; return 1; }
  rm -rf "$module"
}
