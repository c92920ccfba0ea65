#!/bin/sh
# install-missing.sh run|test|check|page|bench|mutants installs the programs that the make target
# needs and does not find. As root on Debian or Ubuntu it takes them from the
# distribution; elsewhere it says in one line what to install. It fails when
# something is still missing, but for run, which can do without.
set -eu

# The modules of Go and npm come over HTTPS, and a bare Linux knows whom to trust there
# from this package only.
need_certificates() {
	[ "$(uname)" = Linux ] || return 0
	for found in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/*.0 /etc/ssl/cert.pem /etc/ssl/ca-bundle.pem /etc/pki/tls/certs/ca-bundle.crt; do
		[ ! -s "$found" ] || return 0
	done
	apt="$apt ca-certificates" dnf="$dnf ca-certificates"
}

need_redis() {
	command -v redis-server >/dev/null || apt="$apt redis-server" dnf="$dnf redis" brew="$brew redis"
}

# The race detector needs a C compiler and the C library's headers.
need_cc() {
	printf '#include <pthread.h>\n' | ${CC:-$(go env CC)} -E - >/dev/null 2>&1 ||
		apt="$apt gcc libc6-dev" dnf="$dnf gcc glibc-devel" brew="$brew gcc"
}

# The tests walk through the README in a network namespace of their own, which
# only Linux has.
need_tour() {
	command -v curl >/dev/null || apt="$apt curl" dnf="$dnf curl" brew="$brew curl"
	[ "$(uname)" = Linux ] || return 0
	command -v ip >/dev/null || [ -x /sbin/ip ] || apt="$apt iproute2" dnf="$dnf iproute"
	command -v unshare >/dev/null || apt="$apt util-linux" dnf="$dnf util-linux"
	command -v ps >/dev/null || apt="$apt procps" dnf="$dnf procps-ng"
}

# The journeys drive a browser, which needs a font to write with.
need_browser() {
	[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || apt="$apt chromium fonts-dejavu-core" dnf="$dnf chromium dejavu-sans-fonts"
}

# The tests let services written for Node.js live on the event bus, and build the page;
# its types and style are checked by Node.js, too.
need_node() {
	command -v node >/dev/null || apt="$apt nodejs" dnf="$dnf nodejs" brew="$brew node"
	command -v npm >/dev/null || apt="$apt npm" dnf="$dnf npm"
}

# The bench measures beside nginx and a small application of Node.js, with the load
# that wrk makes.
need_alternatives() {
	command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || apt="$apt nginx-light" dnf="$dnf nginx" brew="$brew nginx"
	command -v wrk >/dev/null || apt="$apt wrk" dnf="$dnf wrk" brew="$brew wrk"
	command -v redis-benchmark >/dev/null || apt="$apt redis-tools" dnf="$dnf redis" brew="$brew redis"
	need_node
}

# The tests let Prometheus scrape the services and evaluate the alerts.
need_prometheus() {
	command -v prometheus >/dev/null && command -v promtool >/dev/null || apt="$apt prometheus" dnf="$dnf golang-github-prometheus" brew="$brew prometheus"
}

find_missing() {
	apt='' dnf='' brew=''
	need_certificates
	[ "$target" = check ] || need_redis
	[ "$target" != check ] || need_node
	if [ "$target" = test ]; then
		need_cc
		need_tour
		need_node
		need_prometheus
	fi
	[ "$target" != bench ] || need_alternatives
	if [ "$target" = page ]; then
		need_browser
		need_node
	fi
}

# The distribution starts redis-server on 6379, nginx on 80 and Prometheus on 9090 once they are
# installed, and at every boot. Nothing here uses those, so neither is to happen.
policy=/usr/sbin/policy-rc.d
install_quietly() {
	if [ ! -e $policy ]; then
		trap 'rm -f $policy' EXIT
		trap 'exit 1' HUP INT TERM
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
	fi
	export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
	apt-get -q -o DPkg::Lock::Timeout=300 update </dev/null || echo 'apt-get update failed; trying with the lists there are' >&2
	# shellcheck disable=SC2086 # a list of words
	apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $apt </dev/null || return
	for service in redis-server nginx prometheus; do
		case $apt in *$service*)
			if command -v systemctl >/dev/null; then
				systemctl -q disable --now $service >/dev/null 2>&1 || systemctl -q disable $service >/dev/null 2>&1 || true
			fi
		esac
	done
}

target=${1:?run, test, check, page, bench or mutants}
find_missing
[ -n "$apt$dnf$brew" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing$apt"
	install_quietly || echo "apt-get could not install$apt" >&2
	find_missing
	[ -n "$apt$dnf$brew" ] || exit 0
fi

hint="missing for make $target: apt-get install$apt, or dnf install$dnf"
[ -z "$brew" ] || hint="$hint, or brew install$brew"
if [ "$target" = run ]; then
	case $apt in *redis-server*) hint="$hint (going on without: what you post is kept in memory only)" ;; esac
	echo "$hint" >&2
	exit 0
fi
echo "$hint" >&2
exit 1
