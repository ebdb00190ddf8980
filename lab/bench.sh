#!/bin/sh
# Measures holdfast in the lab and writes the tables into docs/performance.md, between the markers of each part.
#
#   sh lab/bench.sh [PART…]     parts: networks udev planning peers (default: all)
#
# Nothing else should run on the machine meanwhile: the figures are ratios in one run, but a load that comes and goes
# still tilts them.
set -eu

cd "$(dirname "$0")/.."
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# fill PART FILE: puts the file between the markers of the part.
fill() {
	awk -v part="$1" -v file="$2" '
		$0 == "<!-- " part " -->" { print; while ((getline line < file) > 0) print line; skip = 1; next }
		$0 == "<!-- /" part " -->" { skip = 0 }
		!skip { print }
	' docs/performance.md >"$out/page"
	cat "$out/page" >docs/performance.md
}

networks() {
	bin/lab run --timeout 60m --memory 4G -- bin/bench -label "Measured on $(date -u +%F), without udevd." bin/holdfast
}

udev() {
	bin/lab run --timeout 60m --memory 4G -- sh -c '
		mkdir -p /run/udev && /lib/systemd/systemd-udevd --daemon && udevadm settle
		exec bin/bench -rounds 1 -sizes 10,100 -label "'"Measured on $(date -u +%F), with udevd."'" bin/holdfast'
}

planning() {
	echo "Measured on $(date -u +%F), natively: planning alone, no kernel."
	echo
	echo '```'
	CGO_ENABLED=0 go test -run '^$' -bench Make -benchtime 20x -benchmem ./plan | grep -E '^Benchmark'
	echo '```'
}

peers() {
	bin/lab run --systemd --timeout 60m --memory 4G -- bin/bench -peers -sizes 100 -label "Measured on $(date -u +%F)." bin/holdfast
}

CGO_ENABLED=0 go build -o bin/bench ./lab/cmd/bench
[ $# -gt 0 ] || set -- networks udev planning peers
for part in "$@"; do
	echo "bench: $part"
	"$part" >"$out/$part"
	cat "$out/$part"
	fill "$part" "$out/$part"
done
