import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../lab/command.ts'
import { type Daemon, startDaemon } from '../lab/daemon.ts'
import { waitFor } from '../lab/deadline.ts'
import { programPath } from '../lab/packages.ts'
import { freePort } from './update-server.ts'

/** A real PowerDNS with its HTTP API on loopback, and one zone. */
export interface PowerDnsServer {
  readonly zone: string
  readonly dnsPort: number
  /** Without the path of the API. */
  readonly url: string
  readonly token: string
  /** Asks the API as an administrator would; `path` is below that of the server. */
  ask(method: string, path: string, body?: object): Promise<unknown>
  stop(): Promise<void>
}

const ZONE = 'example.test'
/** Of the package pdns-backend-sqlite3. */
export const SCHEMA = '/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql'

/** Starts PowerDNS (packages pdns-server, pdns-backend-sqlite3 and sqlite3) on free ports. */
export async function startPowerDns(): Promise<PowerDnsServer> {
  const directory = await mkdtemp(join(tmpdir(), 'reprefix-pdns-'))
  const token = randomBytes(24).toString('hex')
  let daemon: Daemon | undefined
  const stop = async () => {
    if (daemon?.isRunning()) await daemon.stop()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const [dnsPort, webPort] = [await freePort(), await freePort()]
    const url = `http://127.0.0.1:${webPort}`
    const database = join(directory, 'zones.sqlite3')
    await run([programPath('sqlite3'), database], { input: await readFile(SCHEMA, 'utf8') })
    await writeFile(
      join(directory, 'pdns.conf'),
      settings({ directory, database, dnsPort, webPort, token }),
      {
        mode: 0o600,
      },
    )
    const started = await startDaemon({
      name: 'pdns_server',
      argv: [programPath('pdns_server'), `--config-dir=${directory}`],
      logFile: join(directory, 'log'),
    })
    daemon = started
    const ask: PowerDnsServer['ask'] = async (method, path, body) => {
      const response = await fetch(`${url}/api/v1/servers/localhost${path}`, {
        method,
        headers: { 'x-api-key': token, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    }
    await waitFor('the API of PowerDNS', () => ask('GET', '').catch(() => undefined), {
      hopeless: () => started.failure(),
    })
    await ask('POST', '/zones', {
      ...{ name: `${ZONE}.`, kind: 'Native', nameservers: [`ns1.${ZONE}.`] },
      soa_edit_api: 'INCREASE',
    })
    return { zone: ZONE, dnsPort, url, token, ask, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function settings(of: {
  readonly directory: string
  readonly database: string
  readonly dnsPort: number
  readonly webPort: number
  readonly token: string
}): string {
  return `launch=gsqlite3
gsqlite3-database=${of.database}
gsqlite3-pragma-synchronous=0
local-address=127.0.0.1
local-port=${of.dnsPort}
socket-dir=${of.directory}
daemon=no
guardian=no
disable-syslog=yes
receiver-threads=1
distributor-threads=1
security-poll-suffix=
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
webserver=yes
webserver-address=127.0.0.1
webserver-port=${of.webPort}
api=yes
api-key=${of.token}
`
}
