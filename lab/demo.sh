#!/bin/sh
# The demo of `make demo`: what holdfast promises, done on a real kernel and checked by other programs than holdfast.
# It runs in the lab only, as root of a machine with two NICs (eth0, eth1) whose cables end at sw0 and sw1:
#
#   bin/lab run --nics 2 sh lab/demo.sh
#
#   this host            namespace "switch"              namespace "second"
#   eth0 ──────────────── sw0 ┐
#                             ├ bridge ── VLAN 100 ────── v100  192.0.2.1/24  2001:db8:100::1/64
#   eth1 ──────────────── sw1 ┘        └─ VLAN 1 ──────── v1    198.51.100.1/24
#
# Exit code 0 when every promise was kept, 1 otherwise.
set -u

if [ "${HOLDFAST_LAB:-}" != 1 ]; then
	echo "demo.sh changes the network of the host that it runs on: run it with make demo" >&2
	exit 1
fi
cd "$(dirname "$0")/.." || exit 1
PATH=$PWD/bin:$PATH
examples=examples/demo
work=$(mktemp -d)
: >"$work/summary"
failed=0

# The lab's output is a pipe also when it ends on a terminal, so make demo says whether it does.
if [ -t 1 ] || [ "${HOLDFAST_DEMO_COLOR:-}" = 1 ]; then
	bold=$(printf '\033[1m') green=$(printf '\033[32m') red=$(printf '\033[31m') plain=$(printf '\033[0m')
	color=always
else
	bold='' green='' red='' plain='' color=never
fi

title() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

# run COMMAND…: shows the command, then what it prints; its exit code is kept in $code.
run() {
	printf '\n%s$ %s%s\n' "$bold" "$*" "$plain"
	"$@" >"$work/output" 2>&1
	code=$?
	cat "$work/output"
}

# promise TEXT COMMAND…: a line of the summary: the command must succeed.
promise() {
	text=$1
	shift
	if "$@" >"$work/check" 2>&1; then
		printf '%s ok     %s %s\n' "$green" "$plain" "$text" | tee -a "$work/summary"
	else
		failed=$((failed + 1))
		printf '%s FAILED %s %s\n' "$red" "$plain" "$text" | tee -a "$work/summary"
		tail -n 20 "$work/check" | sed 's/^/          /'
	fi
}

# code_is N: whether the last run ended with that exit code.
code_is() { [ "$code" = "$1" ] || { echo "exit code $code, not $1"; return 1; }; }

# says TEXT: whether the last run printed it.
says() { grep -qF -- "$1" "$work/output" || { echo "the output lacks: $1"; return 1; }; }

# within SECONDS COMMAND…: whether the command succeeds in that time.
within() {
	end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt "$end" ] || return 1
		sleep 0.5
	done
}

answers() { within 30 ping -n -q -c 1 -W 2 "$@"; }

# picture: the host as ip(8), bridge(8) and sysfs show it, without what moves by itself: timers, offload sizes, and the
# ageing time, which is twice the forward delay as long as a change of topology lasts (net/bridge/br_stp.c).
picture() {
	ip -d link show | sed -E 's/ (gso|gro|tso)_[a-z0-9_]+ [0-9]+//g; s/[a-z_]+_timer +[0-9.]+//g; s/topology_change(_detected|_ack)? [01]//g; s/ ageing_time [0-9]+//; s/numtxqueues.*//'
	ip addr show
	ip route show table all
	ip -6 route show table all | sed -E 's/ expires [0-9]+sec//'
	ip rule show
	bridge vlan show
	grep . /sys/class/net/bond0/bonding/slaves /sys/class/net/bond0/bonding/mode /sys/class/net/bond0/bonding/queue_id
	cat /etc/resolv.conf
}

unchanged() {
	picture >"$work/after"
	cmp -s "$work/before" "$work/after"
}

# as_before: whether the picture is that of $work/before, at the latest when links have settled.
as_before() {
	within 30 unchanged || { diff "$work/before" "$work/after"; return 1; }
}

has() { # has FILE PATTERN…: whether the file holds every pattern
	file=$1
	shift
	for pattern in "$@"; do
		grep -qE -- "$pattern" "$file" || { echo "not there: $pattern"; cat "$file"; return 1; }
	done
}

# silent: whether the kernel tells of no change while the same is applied again. The network's own life (a timer of the
# bridge's, a router's advertisement) may fall into one try, hardly into three.
silent() {
	for _ in 1 2 3; do
		ip monitor link address route rule >"$work/events" 2>&1 &
		monitor=$!
		holdfast apply examples/bond-vlan-bridge.yml >/dev/null 2>&1
		kill "$monitor" 2>/dev/null
		wait "$monitor" 2>/dev/null
		[ -s "$work/events" ] || return 0
	done
	cat "$work/events"
	return 1
}

# build_the_wires: the switch and the second host of the picture above.
build_the_wires() {
	ip -batch - <<-'WIRES' && ip -n switch -batch - <<-'SWITCH' && bridge -n switch -batch - <<-'VLANS' && ip -n second -batch - <<-'SECOND'
		netns add switch
		netns add second
		link set sw0 netns switch
		link set sw1 netns switch
		link add p100 netns switch type veth peer name v100 netns second
		link add p1 netns switch type veth peer name v1 netns second
	WIRES
		link add sw mtu 9000 type bridge vlan_filtering 1
		link set sw0 mtu 9000 master sw up
		link set sw1 mtu 9000 master sw up
		link set p100 master sw up
		link set p1 master sw up
		link set sw up
	SWITCH
		vlan add dev sw0 vid 100
		vlan add dev sw1 vid 100
		vlan del dev p100 vid 1
		vlan add dev p100 vid 100 pvid untagged
	VLANS
		link set lo up
		link set v100 up
		link set v1 up
		addr add 192.0.2.1/24 dev v100
		addr add 2001:db8:100::1/64 dev v100 nodad
		addr add 198.51.100.1/24 dev v1
		addr add 203.0.113.99/32 dev lo
	SECOND
}

printf '%sholdfast demo%s: a throw-away host with two NICs, a switch and a second host\n' "$bold" "$plain"
start=$(date +%s)
build_the_wires || { echo "demo: the wires could not be built" >&2; exit 1; }
ip link set eth0 up
ip link set eth1 up

title "1. The host as it is"
run holdfast --color $color show -o table
promise "show lists the NICs" has "$work/output" '^\S*eth0\S* +ethernet' '^\S*eth1\S* +ethernet'

title "2. What would change"
run cat examples/bond-vlan-bridge.yml
run holdfast --color $color plan examples/bond-vlan-bridge.yml
promise "plan tells that there are changes (exit code 2)" code_is 2

title "3. The change"
run holdfast --color $color apply examples/bond-vlan-bridge.yml
promise "apply makes the bond, the VLAN and the bridge (exit code 0)" code_is 0
[ "$code" = 0 ] || { echo "demo: nothing below can work" >&2; exit 1; }
run holdfast --color $color show --tree
ip -d link show >"$work/links"
ip addr show br100 >"$work/addresses"
promise "ip(8) sees a bond of both NICs with MTU 9000" has "$work/links" 'bond0: .* mtu 9000' 'eth0: .* master bond0' 'eth1: .* master bond0' 'bond mode active-backup .*miimon 100 '
promise "ip(8) sees VLAN 100 with MTU 1500 under a bridge with STP and a forward delay of 4 s" has "$work/links" 'bond0.100@bond0: .* mtu 1500 .* master br100' 'vlan protocol 802.1Q id 100' 'bridge forward_delay 400 .* stp_state 1'
promise "ip(8) sees both addresses, the IPv6 one past duplicate detection" has "$work/addresses" 'inet 192.0.2.10/24' 'inet6 2001:db8:100::10/64 scope global *$'
promise "the resolver asks the second host" has /etc/resolv.conf '^nameserver 192.0.2.1$' '^search example.com$'

title "4. The second host answers"
run ping -n -c 3 -i 0.2 -W 5 192.0.2.1
promise "IPv4 reaches the second host" answers 192.0.2.1
run ping -n -c 3 -i 0.2 -W 5 2001:db8:100::1
promise "IPv6 reaches the second host" answers 2001:db8:100::1
promise "the default route reaches what is behind it" answers 203.0.113.99

title "5. The same again"
run holdfast --color $color apply examples/bond-vlan-bridge.yml
promise "applying the same again does nothing" says "Nothing to do"
promise "and the kernel sees no change" silent

title "6. The bond is split: eth1 is taken out and used alone"
run cat $examples/split-bond.yml
run holdfast --color $color plan $examples/split-bond.yml
run holdfast --color $color apply $examples/split-bond.yml
promise "the bond is split (exit code 0)" code_is 0
run holdfast --color $color show -o table
ip link show >"$work/links"
promise "eth1 is no port any more, eth0 still is" sh -c "! grep 'eth1: .* master' $work/links && grep 'eth0: .* master bond0' $work/links"
promise "the second host answers eth1 by itself" answers -I eth1 198.51.100.1
promise "and the bridge goes on over eth0" answers 192.0.2.1

title "7. A broken change: an address that the second host already has"
within 15 sh -c "ip -6 addr show | grep -c tentative | grep -qx 0"
picture >"$work/before"
run cat $examples/duplicate-address.yml
run holdfast --color $color apply $examples/duplicate-address.yml
promise "a duplicate IPv6 address is found and rolled back (exit code 3)" code_is 3
promise "and everything is as it was" as_before

title "8. A broken change: an option that the kernel refuses half-way"
picture >"$work/before"
run cat $examples/refused-option.yml
run holdfast --color $color apply $examples/refused-option.yml
promise "what the kernel refuses half-way is rolled back (exit code 3)" code_is 3
promise "and everything is as it was, eth1 included" as_before
promise "both hosts still answer" answers 192.0.2.1

title "9. Back to where it began"
run holdfast --color $color apply examples/remove.yml
promise "the bond, the VLAN and the bridge are removed" sh -c "[ $code = 0 ] && ! ip link show | grep -E 'bond0|br100'"

title "Summary"
cat "$work/summary"
if [ "$failed" = 0 ]; then
	printf '\n%severy promise was kept%s, in %s seconds\n' "$bold" "$plain" $(($(date +%s) - start))
else
	printf '\n%s%s promises were not kept%s\n' "$red" "$failed" "$plain"
fi
rm -rf "$work"
[ "$failed" = 0 ]
