# What .ci/gammu and .ci/smstools share: a running `wardwire simulate`, and checks against it. Sourced, not run; needs $binary.
work=$(mktemp -d)
passed=0 failed=0 bank=
trap '[ -z "$bank" ] || kill "$bank" 2>/dev/null || true; exec 3>&- || true; rm -rf "$work"' EXIT

nap() { read -rt 0.1 <> <(:) || true; }
# until_true SECONDS COMMAND...: true once the command is
until_true() { local end=$((SECONDS + $1)); shift; until "$@" >/dev/null; do [ "$SECONDS" -lt "$end" ] || return 1; nap; done; }

# check NAME PATTERN COMMAND...: the command does not fail, and says something that fits the pattern
check() {
  local name=$1 pattern=$2; shift 2
  if "$@" >"$work/said" 2>&1 && { tr '\n' ' ' <"$work/said"; echo; } | grep -qE -- "$pattern"; then
    passed=$((passed + 1)); echo "PASS $name"
  else
    failed=$((failed + 1)); echo "FAIL $name (awaited: $pattern)"; sed 's/^/    /' "$work/said"
  fi
}
# also NAME PATTERN: what was said last fits this pattern, too
also() { cp "$work/said" "$work/again"; check "$1" "$2" cat "$work/again"; }
# aired PATTERN: the lines of the journal that fit, as soon as there is one; within ten seconds
aired() { until_true 10 grep -qE -- "$1" "$work/journal" && grep -E -- "$1" "$work/journal"; }
# inject FROM TEXT: a phone sends a text to the first SIM
inject() { printf '{"modem":0,"from":"%s","text":"%s"}\n' "$1" "$2" >&3; }

# start_bank ARGUMENTS...: one modem at $work/bank/modem0
start_bank() {
  [ -e "$work/in" ] || mkfifo "$work/in"
  "$binary" simulate --modems 1 --dir "$work/bank" --journal "$work/journal" --report-delay-ms 100 "$@" \
    <"$work/in" >"$work/out" 2>"$work/err" & bank=$!
  exec 3>"$work/in"
  until_true 20 grep -q '^ready$' "$work/out" || { echo 'FAIL the virtual bank starts'; cat "$work/err"; exit 1; }
}

verdict() { echo "$1: $passed passed, $failed failed"; [ "$failed" = 0 ]; }
