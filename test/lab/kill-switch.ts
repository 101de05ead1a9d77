import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { labEnvironment } from './command.ts'
import type { Lab } from './lab.ts'

/** Where the agent is killed: before the n-th call that changes something has begun, or after it. */
export interface KillPoint {
  /** Counted from 1. */
  readonly call: number
  readonly when: 'before' | 'after'
}

/**
 * Stands between the agent and the programs that it changes the host with, counts its calls, and
 * kills it at one of them. The agent knows nothing of it: the wrappers are merely first in its PATH.
 */
export interface KillSwitch {
  readonly environment: Readonly<Record<string, string>>
  /** Counts from one again; kills at that point, or nowhere. */
  arm(point?: KillPoint): void
  /** The calls counted since it was armed, each as a command line. */
  calls(): readonly string[]
  /** Puts the wrapper around the command that restarts ndppd, which is called by its path. */
  wrapRestart(): void
}

/** Programs that change addresses, routes, neighbours and the filter. */
const PROGRAMS = ['ip', 'nsenter', 'ip6tables', 'ip6tables-restore'] as const

/**
 * The wrapper of one program. Reading is passed on uncounted: JSON output, the monitor, rule lists.
 * `mkdir` is the counter because the agent calls in parallel, and only one call can make a directory.
 * Whoever started the wrapper, itself or by another program, the agent is among its forebears.
 * The wrapped program runs to its end in any case: a kill reaches the agent alone.
 */
function renderWrapper(directory: string, real: string): string {
  return `#!/bin/sh
PATH=\${PATH#${join(directory, 'bin')}:}
strike() {
  victim=$PPID
  until grep -q reprefix-agent /proc/$victim/cmdline; do
    victim=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$victim/status)
    if [ "\${victim:-1}" -le 1 ]; then return; fi
  done
  kill -9 $victim
}
case " $* " in
  *" -json "*|*" -j "*|*" monitor "*|*" -S "*|*" --test "*|*" -V "*|*" --version "*) exec ${real} "$@" ;;
esac
read -r calls at when <${directory}/armed
call=1
while ! mkdir $calls/$call 2>/dev/null; do call=$((call + 1)); done
echo "\${0##*/} $*" >$calls/$call/line
if [ "$at $when" = "$call before" ]; then strike; exit 137; fi
${real} "$@"
code=$?
if [ "$at $when" = "$call after" ]; then strike; fi
exit $code
`
}

/** Makes a kill switch for the agent of this lab; `environment` is for its start. */
export function createKillSwitch(lab: Lab): KillSwitch {
  const directory = join(lab.directory.path, 'kill-switch')
  const bin = join(directory, 'bin')
  const armed = join(directory, 'armed')
  const restart = join(lab.directory.path, 'agent/restart-ndppd')
  let times = 0
  let calls = ''
  mkdirSync(bin, { recursive: true })
  for (const program of PROGRAMS) {
    writeFileSync(join(bin, program), renderWrapper(directory, program), { mode: 0o755 })
  }
  const arm: KillSwitch['arm'] = (point) => {
    times += 1
    // Another directory each time: calls of a killed agent may still be on their way.
    calls = join(directory, `calls-${times}`)
    mkdirSync(calls)
    writeFileSync(`${armed}.new`, `${calls} ${point?.call ?? 0} ${point?.when ?? 'never'}\n`)
    renameSync(`${armed}.new`, armed)
  }
  arm()
  return {
    environment: { PATH: `${bin}:${labEnvironment().PATH}` },
    arm,
    calls: () =>
      readdirSync(calls)
        .map(Number)
        .sort((a, b) => a - b)
        .map((call) => join(calls, String(call), 'line'))
        .map((file) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '(began)')),
    wrapRestart: () => {
      const real = `${restart}.real`
      if (existsSync(real)) return
      renameSync(restart, real)
      writeFileSync(restart, renderWrapper(directory, real), { mode: 0o755 })
    },
  }
}
