#!/bin/sh
# env.sh writes .env for Compose, with tokens and passwords of its own making. It
# leaves a .env that is there as it is.
set -eu
cd "$(dirname "$0")/.."

if [ -e .env ]; then
	echo '.env is there already and stays as it is; remove it to get new secrets' >&2
	exit 0
fi

# Hexadecimal, so that it stands in a URL as it is.
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

umask 077
{
	echo '# Read by docker compose. Keep it to yourself; .gitignore names it.'
	for name in ADMIN_TOKEN BUS_TOKEN EDIT_KEY AUTHOR_KEYS \
		DEFAULT_PASSWORD OPERATOR_PASSWORD POSTS_PASSWORD COMMENTS_PASSWORD MODERATOR_PASSWORD QUERY_PASSWORD EVENTBUS_PASSWORD; do
		echo "$name=$(secret)"
	done
	echo '# With POST_TOKEN set, a new post needs it, and the page asks for it.'
	echo '#POST_TOKEN='
} >.env.new
mv .env.new .env
echo 'wrote .env; docker compose up reads it from now on'
