# shellcheck shell=bash
# Sourced by the scripts beside it: a phase of the work, with its time.

child=

# run COMMAND...: like COMMAND alone, but a signal that comes meanwhile is
# handled at once (bash waits for a command in the foreground to end first), and
# the command has a process group of its own, -$child, by which it can be ended
# together with all that it started.
run() {
	local status=0
	set -m
	"$@" </dev/null &
	child=$!
	set +m
	wait "$child" || status=$?
	child=
	return "$status"
}

# seconds START: the time since START, which was $EPOCHREALTIME
seconds() {
	local tenths=$(((${EPOCHREALTIME/./} - ${1/./}) / 100000))
	printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

# phase TITLE COMMAND...: runs COMMAND, and shows what it prints if it fails; how that
# ends stays in failure
failure=
phase() {
	local title=$1 output status=0 start=$EPOCHREALTIME
	shift
	output=$(mktemp)
	printf -- '-- %s ... ' "$title"
	if run "$@" >"$output" 2>&1; then
		seconds "$start"
		echo
	else
		status=$?
		echo FAILED
		cat "$output"
		# shellcheck disable=SC2034
		failure=$(tail -n 20 "$output")
	fi
	rm -f "$output"
	return "$status"
}
