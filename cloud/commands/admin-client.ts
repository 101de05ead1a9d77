import type { Command } from 'commander'
import * as v from 'valibot'
import { messageOf, ReprefixError } from '../../shared/errors.ts'
import { parseCloudUrl } from '../../shared/join.ts'
import { problemSchema } from '../../shared/problem.ts'

/** The cloud's API with the operator's rights. Every method throws a fault that names the remedy. */
export interface AdminClient {
  get(path: string): Promise<unknown>
  send(method: 'POST' | 'PATCH', path: string, body?: unknown): Promise<unknown>
  text(path: string): Promise<string>
}

/** Where the cloud is and who asks; from options or the environment. */
export interface AdminOptions {
  readonly url?: string
  readonly token?: string
}

const TIMEOUT_MS = 30_000
const reasonSchema = v.pick(problemSchema, ['code', 'detail'])

/** Adds `--url` and `--token` to a command. */
export function withAdminOptions(command: Command): Command {
  return command
    .option('--url <url>', 'public URL of the cloud (or REPREFIX_URL)')
    .option('--token <token>', 'operator token (or REPREFIX_TOKEN, which other users cannot see)')
}

/** The client for these options, or CONFIG_INVALID saying what is missing. */
export function createAdminClient(
  options: AdminOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): AdminClient {
  const url = options.url ?? environment.REPREFIX_URL
  const token = options.token ?? environment.REPREFIX_TOKEN
  if (url === undefined || url === '') {
    throw new ReprefixError('USAGE', 'give the URL of the cloud with --url or REPREFIX_URL')
  }
  if (token === undefined || token === '') {
    throw new ReprefixError(
      'USAGE',
      'give the operator token with REPREFIX_TOKEN or --token; it is admin.token in cloud.yaml',
    )
  }
  // What a header cannot carry would be quoted by the fault of the HTTP client.
  if (!/^[!-~]+$/.test(token)) {
    throw new ReprefixError(
      'USAGE',
      'the operator token may have only printable ASCII characters: was it cut or copied with more?',
    )
  }
  const base = parseCloudUrl(url)

  async function request(method: string, path: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` }
    if (body !== undefined) headers['content-type'] = 'application/json'
    try {
      const response = await fetch(`${base}${path}`, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      if (response.ok) return response
      throw await faultOf(response, `${base}${path}`)
    } catch (cause) {
      if (cause instanceof ReprefixError) throw cause
      throw new ReprefixError(
        'CLOUD_UNREACHABLE',
        `no answer from ${base}: ${reasonOf(cause)}; is "reprefix serve" running there?`,
        { cause },
      )
    }
  }
  return {
    get: async (path) => (await request('GET', path)).json(),
    send: async (method, path, body) => (await request(method, path, body)).json(),
    text: async (path) => (await request('GET', path)).text(),
  }
}

/** What the cloud has answered. @throws ReprefixError CLOUD_UNREACHABLE when it is not of this version */
export function decodeAnswer<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value)
  if (result.success) return result.output
  throw new ReprefixError(
    'CLOUD_UNREACHABLE',
    'the answer is not that of a cloud of this version; compare "reprefix --version" with it',
  )
}

async function faultOf(response: Response, url: string): Promise<ReprefixError> {
  const problem = v.safeParse(reasonSchema, await response.json().catch(() => undefined))
  if (!problem.success) {
    const what = `${url} answered ${response.status}, but not as a cloud of reprefix; check the URL`
    return new ReprefixError('CLOUD_UNREACHABLE', what)
  }
  const { code, detail } = problem.output
  const isUsage = code === 'REQUEST_INVALID'
  const remedy = code === 'UNAUTHORIZED' ? '; it is admin.token in cloud.yaml' : ''
  return new ReprefixError(isUsage ? 'USAGE' : 'CLOUD_REFUSED', `${detail}${remedy} (${code})`)
}

/** fetch says only "fetch failed"; what a person needs is in its cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'it does not speak TLS; is it http://?'
  return messageOf(cause).trim()
}
