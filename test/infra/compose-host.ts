import { chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inNamespace, type RunResult, run, tryRun } from '../lab/command.ts'
import type { DockerApi } from '../lab/docker-api.ts'
import { startDockerDaemon } from '../lab/docker-daemon.ts'
import { INTERNET } from '../lab/lab-names.ts'
import { createNamespaces } from '../lab/namespaces.ts'
import { createRunDirectory } from '../lab/run-directory.ts'
import { removeAbandonedLabs, removeLab } from '../lab/sweep.ts'
import { buildCloudImage, importCaddy, ROOT } from './docker-images.ts'

/** The host of the cloud's URL; Caddy signs for names below "localhost" itself. */
export const SITE = 'reprefix.localhost'
export const ADMIN_TOKEN = 'operator-token-of-the-tests'
/** The user "node" of Node's images. */
const USER = 1000
const FILES = ['compose.yaml', 'Caddyfile', 'cloud.yaml'] as const

/** What a client was answered. */
export interface ClientAnswer {
  readonly status: number
  readonly body: string
  readonly location?: string
}

/** How a client asks. */
export interface ClientRequest {
  /** Address of the machine. */
  readonly to: string
  readonly path: string
  readonly tls?: boolean
  readonly headers?: Readonly<Record<string, string>>
}

/** A machine in the internet with Docker, on which infra/compose is deployed, and a stranger's machine. */
export interface ComposeHost {
  readonly api: DockerApi
  /** Runs docker-compose on the project. */
  compose(args: readonly string[]): Promise<RunResult>
  /** The same with these files of the project, which may hold bytes that are no text. */
  composeWith(
    files: { readonly input?: string; readonly output?: string },
    args: readonly string[],
  ): Promise<RunResult>
  /** Starts everything and waits until it is healthy. */
  up(): Promise<void>
  /** The operator's command line in the cloud's container. */
  operate(args: readonly string[]): Promise<string>
  /** Replaces a text in a file of the project; returns what undoes it. */
  edit(file: (typeof FILES)[number], from: string, to: string): Promise<() => Promise<void>>
  /** A path in the project. */
  path(name: string): string
  /** Asks from the stranger's machine, trusting the proxy's own authority alone. */
  ask(request: ClientRequest): Promise<ClientAnswer>
  remove(): void
}

/** Runs on the stranger's machine: one request, told as JSON. */
const CLIENT = `
const { request, ca } = JSON.parse(process.argv[1])
const { tls, to: host, path, headers } = request
const options = { host, path, headers: { host: '${SITE}', ...headers }, servername: '${SITE}', ca }
const { get } = await import(tls === false ? 'node:http' : 'node:https')
get(options, async (answer) => {
  const body = Buffer.concat(await answer.toArray()).toString()
  console.log(JSON.stringify({ status: answer.statusCode, body, location: answer.headers.location }))
})`

/** Builds the images and lays the project out as an operator does. */
export async function createComposeHost(composeProgram: string): Promise<ComposeHost> {
  removeAbandonedLabs()
  const directory = createRunDirectory()
  try {
    const namespaces = await createNamespaces(directory.id)
    const { api } = await startDockerDaemon(directory, namespaces.cloud, undefined, {
      // As is the default since Docker 27.
      experimental: true,
      ip6tables: true,
    })
    await importCaddy(api)
    await buildCloudImage(api, directory.path)
    const project = join(directory.path, 'compose')
    const path = (name: string) => join(project, name)
    await layOut(path)
    const environment = [
      `DOCKER_HOST=unix://${api.socket}`,
      `HOME=${directory.path}`,
      `SITE=${SITE}`,
    ]
    const program = ['env', ...environment, composeProgram]

    const composeWith: ComposeHost['composeWith'] = ({ input, output }, args) => {
      const script = '[ -z "$1" ] || exec <"$1"; [ -z "$2" ] || exec >"$2"; shift 2; exec "$@"'
      const files = [input, output].map((name) => (name === undefined ? '' : path(name)))
      const redirected = ['sh', '-c', script, 'sh', ...files]
      return tryRun([...redirected, ...program, ...args], {
        directory: project,
        timeoutMs: 120_000,
      })
    }
    const compose: ComposeHost['compose'] = (args) => composeWith({}, args)
    return {
      api,
      compose,
      composeWith,
      path,
      up: async () => {
        const { code, stderr } = await compose(['up', '-d', '--no-build', '--pull=never', '--wait'])
        if (code === 0) return
        const { stdout } = await compose(['logs', '--no-color'])
        throw new Error(`docker-compose up: ${code}: ${stderr}\n${stdout}`)
      },
      operate: async (args) => {
        const at = ['--url', 'http://[::1]:8080', '--token', ADMIN_TOKEN]
        const inside = ['exec', '-T', 'cloud', 'node', '/app/reprefix.js', ...args, ...at]
        const { code, stdout, stderr } = await compose(inside)
        if (code !== 0) throw new Error(`reprefix ${args.join(' ')}: ${code}: ${stderr}`)
        return stdout
      },
      edit: async (file, from, to) => {
        const text = await readFile(path(file), 'utf8')
        if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
        // In place: the container has the file itself, not its name.
        await writeFile(path(file), text.replaceAll(from, to))
        return () => writeFile(path(file), text)
      },
      ask: async (request) => {
        const input = JSON.stringify({ request, ca: await authorityOf(api) })
        const script = [process.execPath, '--input-type=module', '-e', CLIENT, input]
        return JSON.parse(await run(inNamespace(namespaces.client, script)))
      },
      remove: () => removeLab(directory.id),
    }
  } catch (error) {
    removeLab(directory.id)
    throw error
  }
}

async function layOut(path: (name: string) => string): Promise<void> {
  await mkdir(path('secrets'), { recursive: true })
  for (const file of FILES) await copyFile(join(ROOT, 'infra/compose', file), path(file))
  const settings = await readFile(path('cloud.yaml'), 'utf8')
  await writeFile(path('cloud.yaml'), settings.replaceAll('reprefix.example.org', SITE))
  for (const [name, secret] of [
    ['admin-token', ADMIN_TOKEN],
    ['dns-token', 'token-of-the-tests'],
  ] as const) {
    await writeFile(path(`secrets/${name}`), `${secret}\n`, { mode: 0o400 })
    await chown(path(`secrets/${name}`), USER, USER)
  }
}

/** The certificate of the proxy's own authority, which its image has no program to print. */
async function authorityOf(api: DockerApi): Promise<string> {
  const file = encodeURIComponent('/data/caddy/pki/authorities/local/root.crt')
  const tar = String(await api.call('GET', `/containers/reprefix-proxy-1/archive?path=${file}`))
  const [certificate = ''] = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END[^\n]+\n/.exec(tar) ?? []
  return certificate
}

/** The addresses of the machine, and of the stranger who asks. */
export const ADDRESSES = {
  IPv4: { server: INTERNET.cloudIPv4, client: INTERNET.clientIPv4 },
  IPv6: { server: INTERNET.cloudIPv6, client: INTERNET.clientIPv6 },
} as const
