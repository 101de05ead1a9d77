import { randomBytes } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Daemon, startDaemon } from '../lab/daemon.ts'
import { waitFor } from '../lab/deadline.ts'
import { programPath } from '../lab/packages.ts'

/** A TSIG key as server and client configure it. */
export interface LabKey {
  readonly name: string
  readonly algorithm: 'hmac-sha256' | 'hmac-sha384' | 'hmac-sha512'
  readonly secret: string
}

/** A real name server on loopback that takes updates, in a directory of its own. */
export interface UpdateServer {
  readonly port: number
  readonly zone: string
  /** May change everything in the zone. */
  readonly admin: LabKey
  /** May change A, AAAA and TXT records only. */
  readonly addresses: LabKey
  /** May change AAAA records of `only.ZONE` only; undefined where the server cannot say that. */
  readonly narrow?: LabKey
  /** Ends the server; `resume` starts it again with the same port, keys and records. */
  halt(): Promise<void>
  resume(): Promise<void>
  stop(): Promise<void>
}

const ZONE = 'example.test'
const ZONE_FILE = `$ORIGIN ${ZONE}.
$TTL 60
@ IN SOA ns1 hostmaster 1 3600 600 86400 60
@ IN NS ns1
ns1 IN A 127.0.0.1
alias IN CNAME ns1
delegated IN NS ns.elsewhere.test.
`

const newKey = (name: string, algorithm: LabKey['algorithm']): LabKey => ({
  name,
  algorithm,
  secret: randomBytes(32).toString('base64'),
})

/** Starts BIND 9 (package bind9) on a free port. `transfer` is the key that may read the whole zone. */
export function startBind(transfer: 'none' | 'addresses' = 'none'): Promise<UpdateServer> {
  const admin = newKey('admin', 'hmac-sha512')
  const addresses = newKey('addresses', 'hmac-sha256')
  const narrow = newKey('narrow', 'hmac-sha384')
  const keys = [admin, addresses, narrow]
  return start('named', { admin, addresses, narrow }, (run, port) => ({
    file: 'named.conf',
    // Without "reuseport no" two servers on one port would silently share the questions.
    text: `options {
  directory "${run}"; pid-file none; session-keyfile "${run}/session.key";
  managed-keys-directory "${run}";
  listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; };
  reuseport no; recursion no; notify no; dnssec-validation no; empty-zones-enable no;
  allow-transfer { ${transfer === 'none' ? 'none' : 'key addresses.'}; }; tcp-listen-queue 100;
};
controls { };
${keys.map((key) => `key "${key.name}." { algorithm ${key.algorithm}; secret "${key.secret}"; };`).join('\n')}
zone "${ZONE}" { type primary; file "zone"; update-policy {
  grant admin. zonesub ANY;
  grant addresses. zonesub A AAAA TXT;
  grant narrow. name only.${ZONE}. AAAA;
}; };
`,
    args: ['-g', '-n', '1', '-c', join(run, 'named.conf')],
    ready: / running$/,
  }))
}

/** Starts Knot DNS (package knot) on a free port. `transfer` is the key that may read the whole zone. */
export function startKnot(transfer: 'none' | 'addresses' = 'none'): Promise<UpdateServer> {
  const admin = newKey('admin', 'hmac-sha512')
  const addresses = newKey('addresses', 'hmac-sha256')
  return start('knotd', { admin, addresses }, (run, port) => ({
    file: 'knot.conf',
    text: `server:
    rundir: "${run}"
    listen: "127.0.0.1@${port}"
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: stderr
    any: info
database:
    storage: "${run}/db"
key:
${[admin, addresses].map(renderKnotKey).join('\n')}
acl:
  - id: admin
    key: admin
    action: update
  - id: addresses
    key: addresses
    action: update
    update-type: [A, AAAA, TXT]
${transfer === 'none' ? '' : '  - id: reading\n    key: addresses\n    action: transfer'}
zone:
  - domain: ${ZONE}
    storage: "${run}"
    file: zone
    journal-content: none
    zonefile-sync: -1
    acl: [admin, addresses${transfer === 'none' ? '' : ', reading'}]
`,
    args: ['-c', join(run, 'knot.conf')],
    ready: /zone file loaded|loaded, serial|server started/,
  }))
}

function renderKnotKey({ name, algorithm, secret }: LabKey): string {
  return `  - id: ${name}\n    algorithm: ${algorithm}\n    secret: ${secret}`
}

interface ServerFiles {
  readonly file: string
  readonly text: string
  readonly args: readonly string[]
  readonly ready: RegExp
}

async function start(
  program: string,
  keys: Pick<UpdateServer, 'admin' | 'addresses' | 'narrow'>,
  render: (run: string, port: number) => ServerFiles,
): Promise<UpdateServer> {
  const run = await mkdtemp(join(tmpdir(), `reprefix-${program}-`))
  let daemon: Daemon | undefined
  const halt = async () => {
    if (daemon?.isRunning()) await daemon.stop()
  }
  const stop = async () => {
    await halt()
    await rm(run, { recursive: true, force: true })
  }
  try {
    const port = await freePort()
    const { file, text, args, ready } = render(run, port)
    await mkdir(join(run, 'db'))
    await writeFile(join(run, 'zone'), ZONE_FILE)
    await writeFile(join(run, file), text, { mode: 0o600 })
    // Debian's AppArmor profiles confine the installed file to its own directories; a copy has none.
    const binary = join(run, program)
    await copyFile(programPath(program), binary)
    const resume = async () => {
      let isReady = false
      const started = await startDaemon({
        name: program,
        argv: [binary, ...args],
        logFile: join(run, 'log'),
        errorLines: true,
        onLine: (line) => {
          isReady ||= ready.test(line)
        },
      })
      daemon = started
      await waitFor(`start of ${program}`, () => (isReady ? true : undefined), {
        hopeless: () => started.failure(),
      })
    }
    await resume()
    return { port, zone: ZONE, ...keys, halt, resume, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** A TCP port on loopback that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
