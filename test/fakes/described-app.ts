import { hasSchema, registerSchema, validate } from '@hyperjump/json-schema/openapi-3-1'
import type { Hono } from 'hono'
import published from '../../docs/schema/openapi.json' with { type: 'json' }

type Json = Readonly<Record<string, unknown>>
type Validator = Awaited<ReturnType<typeof validate>>

const DOCUMENT = 'https://reprefix.example.org/v1/openapi.json'
const SCHEMAS = '#/components/schemas/'

/** An answer that the document has, as `operation status` or, of a problem, `operation status code`. */
export type DescribedAnswer = string

type Content = Readonly<Record<string, { readonly schema?: unknown }>>

interface Route {
  readonly method: string
  readonly path: string
  readonly form: RegExp
  readonly operation: {
    readonly operationId: string
    readonly responses: Readonly<
      Record<string, { readonly headers: Json; readonly content: Content }>
    >
  }
}

/** Fewer parameters first, so that a path without any is not taken for one with. */
const ROUTES: readonly Route[] = Object.entries(published.paths)
  .flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      form: formOf(path),
      operation,
    })),
  )
  .toSorted((a, b) => a.path.split('{').length - b.path.split('{').length)

// The library outlives this module where test files share their imports.
if (!hasSchema(DOCUMENT)) {
  const dialect = 'https://spec.openapis.org/oas/3.1/schema-base'
  registerSchema(close(published) as never, DOCUMENT, dialect)
}
const validators = new Map<string, Promise<Validator>>()

/**
 * Compares every answer of the application with the published OpenAPI document, and throws where status, content
 * type, headers or body are not in it. `seen` has what was answered.
 */
export function describedApp(app: Hono, seen: DescribedAnswer[]): Hono {
  const { fetch } = app
  app.fetch = async (request, ...rest) => {
    const response = await fetch(request, ...rest)
    seen.push(await describeAnswer(request, response.clone()))
    return response
  }
  return app
}

async function describeAnswer(request: Request, response: Response): Promise<DescribedAnswer> {
  const { pathname } = new URL(request.url)
  const { status } = response
  const what = `${request.method} ${pathname} answers ${status}`
  // A GET without its body (RFC 9110 §9.3.2).
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = ROUTES.find((one) => one.method === method && one.form.test(pathname))
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  const text = request.method === 'HEAD' ? undefined : await response.text()
  if (route === undefined) {
    const problem = text === undefined ? { code: 'NOT_FOUND' } : JSON.parse(text)
    if (status !== 404 || problem.code !== 'NOT_FOUND') throw new Error(`${what}: not described`)
    if (text !== undefined) await check(`${SCHEMAS}Problem`, problem, what)
    return '404'
  }
  const { operationId, responses } = route.operation
  const described = responses[status]
  if (described === undefined) throw new Error(`${what}: ${operationId} does not have that`)
  await checkHeaders(response.headers, Object.keys(described.headers), what)
  const content = described.content[type]
  if (content === undefined) throw new Error(`${what}: it is ${type || 'without a type'}`)
  if (text === undefined || content.schema === undefined) return `${operationId} ${status}`
  const place = ['paths', route.path, route.method.toLowerCase(), 'responses', `${status}`]
  const pointer = [...place, 'content', type, 'schema'].map(escapeStep).join('/')
  const isJson = /[/+]json$/.test(type)
  const body = isJson ? JSON.parse(text) : text
  await check(`#/${pointer}`, body, what)
  await checkInside(body, type, what)
  const code = type === 'application/problem+json' ? ` ${body.code}` : ''
  return `${operationId} ${status}${code}`
}

/** Texts that hold JSON: `contentSchema` and lines, which validators leave alone. */
async function checkInside(body: { entry?: string } | string, type: string, what: string) {
  if (type === 'application/x-ndjson' && typeof body === 'string') {
    for (const line of body.split('\n').filter((one) => one !== '')) {
      const exported = JSON.parse(line)
      await check(`${SCHEMAS}ExportedEntry`, exported, what)
      await checkInside(exported, '', what)
    }
  } else if (typeof body === 'object' && typeof body.entry === 'string') {
    const entry = parsed(body.entry)
    if (entry !== undefined) await check(`${SCHEMAS}LogEntry`, entry, what)
  }
}

/** Undefined for what is no JSON: a store that somebody altered shows what it has. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function checkHeaders(headers: Headers, names: readonly string[], what: string) {
  for (const name of names) {
    const value = headers.get(name)
    if (value === null) throw new Error(`${what}: it has no ${name}`)
    const isNumber = name === 'Retry-After'
    const place = `#/components/headers/${name}/schema`
    await check(place, isNumber ? Number(value) : value, `${what}, ${name}`)
  }
}

/** Throws unless the value is what the schema at that place of the document says. */
export async function check(pointer: string, value: unknown, what: string): Promise<void> {
  const uri = `${DOCUMENT}${encodeURI(pointer)}`
  const compiled = validators.get(uri) ?? validate(uri)
  validators.set(uri, compiled)
  const validator = await compiled
  if (validator(value as never).valid) return
  const output = validator(value as never, 'BASIC')
  const places = (output.valid ? [] : output.errors)?.map(
    ({ instanceLocation, absoluteKeywordLocation }) =>
      [instanceLocation, absoluteKeywordLocation.replace(DOCUMENT, '')].join(' by '),
  )
  throw new Error(`${what}, and not as described: ${places?.join('; ')}\n${JSON.stringify(value)}`)
}

/**
 * Members may be added to answers, so the document lets unknown ones through. What this version answers with is
 * described in full: here nothing else passes.
 */
function close(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(close)
  if (typeof value !== 'object' || value === null) return value
  const inside = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, close(one)]))
  const isObject = 'type' in value && value.type === 'object' && 'properties' in value
  return isObject ? { additionalProperties: false, ...inside } : inside
}

/** Paths of tiles have slashes in their last parameter, which OpenAPI cannot say. */
function formOf(path: string): RegExp {
  const form = path.replace(/\{index\}$/, '.+').replaceAll(/\{\w+\}/g, '[^/]+')
  return new RegExp(`^${form}$`)
}

/** RFC 6901 §3. */
function escapeStep(step: string): string {
  return step.replaceAll('~', '~0').replaceAll('/', '~1')
}
