import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inNamespace, run } from '../lab/command.ts'
import { type Daemon, startDaemon } from '../lab/daemon.ts'
import { waitFor } from '../lab/deadline.ts'
import type { Lab } from '../lab/lab.ts'
import { HOME, INTERNET, type LabContainer } from '../lab/lab-names.ts'
import { programPath } from '../lab/packages.ts'

/** The smallest interval that ddclient 3.10 takes; it takes 60 for anything below. */
export const DDCLIENT_INTERVAL_S = 60

/** ddclient on the home server, keeping the containers' names. */
export interface Ddclient {
  /** The command that updates all names now. */
  readonly command: string
  updateNow(): Promise<void>
  /**
   * Starts it as a daemon with its smallest interval; returns when it has looked once more after it has
   * set everything, as it has on any day but that of a change.
   */
  start(): Promise<Daemon>
}

/** Prints the address of the container whose suffix it is given: the newest prefix with that suffix. */
const ADDRESS_SCRIPT = `#!/bin/sh
prefix=$(ip -6 addr show dev ${HOME.uplink} scope global -tentative |
  awk '/inet6/ { print $2 }' | head -n1 | cut -f1-4 -d:)
echo "$prefix:$1"
`

function suffixOf({ ula }: LabContainer): string {
  return ula.split(':').slice(4).join(':')
}

/**
 * One entry for each container. ddclient 3.10 gives one address to all names that have login,
 * password, server and zone in common, so each has a copy of the key file.
 */
export function renderDdclientConfiguration(
  containers: readonly LabContainer[],
  root: string,
  nsupdate: string,
): string {
  const entries = containers.map((container) =>
    [
      `use=cmd, cmd='${join(root, 'address')} ${suffixOf(container)}'`,
      'protocol=nsupdate',
      `server=${INTERNET.dnsIPv4}`,
      `zone=${HOME.zone}`,
      `login=${nsupdate}`,
      `password='${join(root, `${container.name}.key`)}'`,
      'ttl=60',
      container.domain,
    ].join(', '),
  )
  return `${['syslog=no', 'ssl=no', ...entries].join('\n')}\n`
}

/**
 * Whether ddclient's cache says that the name was left as it is at the last look. ddclient 3.10 takes
 * every update by nsupdate for one that failed (its status stays `noconnect`), so at the first look after
 * it a change is put off ("wait at least 5 minutes"); that look forgets when the last attempt was
 * (`atime=0`), and the next one updates. The prefix of a home seldom changes twice within two minutes.
 */
export function isAtRest(cache: string, domain: string): boolean {
  return cache.split('\n').some((line) => /^atime=0,/.test(line) && line.endsWith(` ${domain}`))
}

/** Writes ddclient's configuration and starts nothing. */
export async function prepareDdclient(lab: Lab): Promise<Ddclient> {
  const root = join(lab.directory.path, 'ddclient')
  const file = join(root, 'ddclient.conf')
  const cache = join(root, 'cache')
  const { name, algorithm, secret } = lab.dns.tsig
  await mkdir(root)
  await writeFile(join(root, 'address'), ADDRESS_SCRIPT, { mode: 0o755 })
  const key = `key "${name}" { algorithm ${algorithm}; secret "${secret}"; };\n`
  for (const container of lab.containers) {
    await writeFile(join(root, `${container.name}.key`), key, { mode: 0o600 })
  }
  const text = renderDdclientConfiguration(lab.containers, root, programPath('nsupdate'))
  await writeFile(file, text, { mode: 0o600 })
  const base = [programPath('ddclient'), '-file', file, '-cache', cache]
  const command = join(root, 'update-now')
  // Without its cache it updates at once: within 30 s of the last update it would refuse to.
  const script = `#!/bin/sh\nrm -f ${cache}\nexec ${base.join(' ')} -daemon=0 -quiet\n`
  await writeFile(command, script, { mode: 0o755 })
  return {
    command,
    updateNow: async () => {
      await run(inNamespace(lab.namespaces.home, [command]), { timeoutMs: 120_000 })
    },
    start: async () => {
      await rm(cache, { force: true })
      const daemon = await startDaemon({
        name: 'ddclient',
        argv: inNamespace(lab.namespaces.home, [
          ...[...base, `-daemon=${DDCLIENT_INTERVAL_S}`, '-foreground'],
        ]),
        logFile: join(lab.directory.path, 'ddclient.log'),
      })
      // What it says stays in a buffer; its cache is written when it has looked.
      await waitFor(
        'the second look of ddclient',
        async () => {
          const known = await readFile(cache, 'utf8').catch(() => '')
          return lab.containers.every(({ domain }) => isAtRest(known, domain)) ? true : undefined
        },
        { timeoutMs: (DDCLIENT_INTERVAL_S + 60) * 1000, hopeless: () => daemon.failure() },
      )
      return daemon
    },
  }
}
