import { chown, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseName } from '../../shared/rrset.ts'
import { inNamespace, type RunResult, run, tryRun } from '../lab/command.ts'
import { type DnsServer, startDnsServer } from '../lab/dns-server.ts'
import type { DockerApi } from '../lab/docker-api.ts'
import { startDockerDaemon } from '../lab/docker-daemon.ts'
import { INTERNET } from '../lab/lab-names.ts'
import { createNamespaces } from '../lab/namespaces.ts'
import { createRunDirectory } from '../lab/run-directory.ts'
import { removeAbandonedLabs, removeLab } from '../lab/sweep.ts'
import { buildCloudImage, importCaddy, ROOT } from './docker-images.ts'

/** The host of the cloud's URL; Caddy signs for names below "localhost" itself. */
export const SITE = 'reprefix.localhost'
/** The one name that the name server lets the cloud write. */
export const NAME = parseName('nas.example.org')
const ADMIN_TOKEN = 'operator-token-of-the-tests'
/** The user "node" of Node's images. */
const USER = 1000
const FILES = ['compose.yaml', 'Caddyfile', 'cloud.yaml', 'reprefix'] as const

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
  /** Makes it a POST. */
  readonly body?: string
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
  /** Addresses that the zone's name server gives the stranger. */
  resolve(name: string): Promise<readonly string[]>
  /** Asks from the stranger's machine, trusting the proxy's own authority alone. */
  ask(request: ClientRequest): Promise<ClientAnswer>
  remove(): void
}

/** Runs on the stranger's machine: one request, told as JSON. */
const CLIENT = `
const { request, ca } = JSON.parse(process.argv[1])
const { tls, to: host, path, headers, body } = request
const method = body === undefined ? 'GET' : 'POST'
const options = { host, path, method, headers: { host: '${SITE}', ...headers }, servername: '${SITE}', ca }
const { request: open } = await import(tls === false ? 'node:http' : 'node:https')
open(options, async (answer) => {
  const body = Buffer.concat(await answer.toArray()).toString()
  console.log(JSON.stringify({ status: answer.statusCode, body, location: answer.headers.location }))
}).end(body)`

/** Runs there too: what the zone's name server says. */
const RESOLVE = `
const { Resolver } = await import('node:dns/promises')
const resolver = new Resolver()
resolver.setServers([process.argv[1]])
console.log(JSON.stringify(await resolver.resolve6(process.argv[2])))`

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
    const dns = await startDnsServer(directory, namespaces, [NAME])
    await importCaddy(api)
    await buildCloudImage(api, directory.path)
    const project = join(directory.path, 'compose')
    const path = (name: string) => join(project, name)
    await layOut(path, dns)
    const environment = ['env', ...(await environmentOf(directory.path, api, composeProgram))]
    const program = [...environment, composeProgram]

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
      operate: (args) => run([...environment, path('reprefix'), ...args], { timeoutMs: 120_000 }),
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
      resolve: async (name) => {
        const script = [process.execPath, '--input-type=module', '-e', RESOLVE, dns.address, name]
        return JSON.parse(await run(inNamespace(namespaces.client, script)))
      },
      remove: () => removeLab(directory.id),
    }
  } catch (error) {
    removeLab(directory.id)
    throw error
  }
}

/** With a `docker` whose `compose` is this one. */
async function environmentOf(
  home: string,
  { socket }: DockerApi,
  composeProgram: string,
): Promise<readonly string[]> {
  const bin = join(home, 'bin')
  await mkdir(bin)
  const docker = `#!/bin/sh\nshift\nexec ${composeProgram} "$@"\n`
  await writeFile(join(bin, 'docker'), docker, { mode: 0o755 })
  const search = `PATH=${bin}:${process.env.PATH}`
  return [`DOCKER_HOST=unix://${socket}`, `HOME=${home}`, `SITE=${SITE}`, search]
}

async function layOut(path: (name: string) => string, { address, tsig }: DnsServer) {
  await mkdir(path('secrets'), { recursive: true })
  for (const file of FILES) await copyFile(join(ROOT, 'infra/compose', file), path(file))
  const settings = await readFile(path('cloud.yaml'), 'utf8')
  const key = `tsig: { name: ${tsig.name}, algorithm: ${tsig.algorithm}, secret: `
  const ours = settings
    .replaceAll('reprefix.example.org', SITE)
    .replace('providers: [main]', `providers: [main], nameServers: ["${address}"]`)
    .replace('type: desec, token: ', `type: rfc2136, server: "${address}", ${key}`)
    .replace(/(dns-token.*)$/m, '$1 }')
  await writeFile(path('cloud.yaml'), ours)
  for (const [name, secret] of [
    ['admin-token', ADMIN_TOKEN],
    ['dns-token', tsig.secret],
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
